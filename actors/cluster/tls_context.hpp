#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/cluster/openssl_handles.hpp"
#include "torc/core/error.hpp"
#include "torc/node_options.hpp"

namespace torc::tls {

/// What both ends of a connection between members need: TLS 1.3, certificates
/// demanded and checked against the cluster's authority. Sessions are not
/// resumed, so that every connection shows its certificate. `errc::refused`:
/// this member may not use these files (`check_member_files`).
result<owned<SSL_CTX>> make_context(const tls_options& files,
                                    std::string_view name);

enum class role { dialer, acceptor };

/// One end over a non-blocking socket, which it does not own. Null if there is
/// no memory.
owned<SSL> make_session(SSL_CTX* context, role r, int fd);

/// Why a call on a session failed: what is wrong with the peer's certificate,
/// or what the peer finds wrong with ours, or what else. Empties the error
/// queue. `code` is what SSL_get_error said.
std::string failure_text(const SSL* session, int code);

/// The names that the peer's certificate was issued for; empty before the
/// handshake is done.
std::vector<std::string> peer_names(const SSL* session);

} // namespace torc::tls
