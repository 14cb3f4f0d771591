#pragma once

#include <openssl/bio.h>

namespace torc::tls {

/// A BIO over a non-blocking socket that it does not own. Unlike OpenSSL's own,
/// writing to a connection that the peer has closed is an error, not a signal.
/// Null if there is no memory.
BIO* make_socket_bio(int fd);

} // namespace torc::tls
