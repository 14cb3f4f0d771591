#include "actors/cluster/socket_bio.hpp"

#include <cerrno>
#include <cstdint>
#include <memory>

#include <sys/socket.h>

namespace torc::tls {
namespace {

int fd_of(BIO* b) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(b)));
}

bool is_transient(int number) {
  return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

int bio_write(BIO* b, const char* bytes, std::size_t size, std::size_t* done) {
  BIO_clear_retry_flags(b);
  const auto n = ::send(fd_of(b), bytes, size, MSG_NOSIGNAL);
  if (n > 0) {
    *done = static_cast<std::size_t>(n);
    return 1;
  }
  if (n < 0 && is_transient(errno))
    BIO_set_retry_write(b);
  *done = 0;
  return 0;
}

int bio_read(BIO* b, char* bytes, std::size_t size, std::size_t* done) {
  BIO_clear_retry_flags(b);
  const auto n = ::recv(fd_of(b), bytes, size, 0);
  if (n > 0) {
    *done = static_cast<std::size_t>(n);
    return 1;
  }
  if (n < 0 && is_transient(errno))
    BIO_set_retry_read(b);
  if (n == 0)
    BIO_set_flags(b, BIO_FLAGS_IN_EOF);
  *done = 0;
  return 0;
}

long bio_control(BIO* b, int command, long, void*) {
  switch (command) {
  case BIO_CTRL_FLUSH: return 1; // nothing is kept back
  case BIO_CTRL_EOF: return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  default: return 0;
  }
}

BIO_METHOD* make_method() {
  auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
                           | BIO_TYPE_DESCRIPTOR,
                         "torc socket");
  if (m == nullptr)
    return nullptr;
  BIO_meth_set_write_ex(m, bio_write);
  BIO_meth_set_read_ex(m, bio_read);
  BIO_meth_set_ctrl(m, bio_control);
  return m;
}

} // namespace

BIO* make_socket_bio(int fd) {
  // Never freed: connections may outlive every static object.
  static BIO_METHOD* const method = make_method();
  auto* b = method == nullptr ? nullptr : BIO_new(method);
  if (b == nullptr)
    return nullptr;
  BIO_set_data(b, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(b, 1);
  return b;
}

} // namespace torc::tls
