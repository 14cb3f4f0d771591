#include "actors/io/http_request.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "torc/core/assert.hpp"

namespace torc::http {

namespace beast_http = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

/// Beast's parser of HTTP/1 without its message: it keeps no fields, so a head
/// of thousands of them costs no more than its bytes.
class request_parser::machine : public beast_http::basic_parser<true> {
public:
  explicit machine(std::size_t head_bytes_max) {
    header_limit(static_cast<std::uint32_t>(head_bytes_max));
    body_limit(boost::none);
    skip(true); // the body, if any, is not ours to read
    eager(true);
  }

  request head;
  std::size_t bytes = 0; ///< Of the head so far.
  bool needs_host = false;
  bool has_host = false;
  bool repeated_host = false;

private:
  void on_request_impl(beast_http::verb, string_view method, string_view target,
                       int version, error_code& ec) override {
    needs_host = version >= 11;
    head.method.assign(method.data(), method.size());
    head.path = path_of({target.data(), target.size()});
    ec = {};
  }
  void on_response_impl(int, string_view, int, error_code& ec) override {
    ec = {};
  }
  void on_field_impl(beast_http::field name, string_view, string_view,
                     error_code& ec) override {
    if (name == beast_http::field::host)
      repeated_host = std::exchange(has_host, true);
    ec = {};
  }
  void on_header_impl(error_code& ec) override { ec = {}; }
  void on_body_init_impl(boost::optional<std::uint64_t> const&,
                         error_code& ec) override {
    ec = {};
  }
  std::size_t on_body_impl(string_view body, error_code& ec) override {
    ec = {};
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view,
                            error_code& ec) override {
    ec = {};
  }
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body,
                                 error_code& ec) override {
    ec = {};
    return body.size();
  }
  void on_finish_impl(error_code& ec) override { ec = {}; }
};

namespace {

unsigned status_of(const error_code& ec) {
  if (ec == beast_http::error::header_limit
      || ec == beast_http::error::buffer_overflow)
    return 431;
  return ec == beast_http::error::bad_version ? 505 : 400;
}

} // namespace

std::string_view path_of(std::string_view target) noexcept {
  if (const auto scheme = target.find("://");
      scheme != target.npos && !target.starts_with('/')) {
    const auto path = target.find('/', scheme + 3);
    target = path == target.npos ? "/" : target.substr(path);
  }
  if (!target.starts_with('/'))
    return {};
  return target.substr(0, target.find_first_of("?#"));
}

request_parser::request_parser(std::size_t head_bytes_max)
  : head_bytes_max_(head_bytes_max),
    machine_(std::make_unique<machine>(head_bytes_max)) {}

request_parser::~request_parser() = default;
request_parser::request_parser(request_parser&&) noexcept = default;
request_parser& request_parser::operator=(request_parser&&) noexcept = default;

request_parser::outcome request_parser::feed(std::string_view bytes) {
  auto& m = *machine_;
  TORC_ASSERT(!m.is_done());
  outcome o;
  error_code ec;
  while (!m.is_done() && o.consumed < bytes.size()) {
    const auto rest = bytes.substr(o.consumed);
    const auto n = m.put(boost::asio::buffer(rest), ec);
    o.consumed += n;
    m.bytes += n;
    if (ec == beast_http::error::need_more)
      return o;
    if (ec || m.bytes > head_bytes_max_) {
      o.state = progress::refused;
      o.status = ec ? status_of(ec) : 431;
      return o;
    }
  }
  if (!m.is_done())
    return o;
  if ((m.needs_host && !m.has_host) || m.repeated_host) {
    o.state = progress::refused;
    o.status = 400;
    return o;
  }
  m.head.keep_alive = m.keep_alive();
  const auto length = m.content_length();
  m.head.has_body = m.chunked() || (length && *length > 0);
  o.state = progress::done;
  return o;
}

const request& request_parser::value() const noexcept {
  return machine_->head;
}

void request_parser::reset() {
  machine_ = std::make_unique<machine>(head_bytes_max_);
}

} // namespace torc::http
