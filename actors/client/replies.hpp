#pragma once

#include <string>

#include "torc/client.hpp"

namespace torc::replies {

/// A reply that says why an operation was not done, or not surely.
client_reply failure(errc code, std::string text);

/// REQUIRES: reply.status != no_error.
error to_error(const client_reply& reply);
reply_info info_of(const client_reply& reply);
result<read_reply> to_read(client_reply reply);
result<write_reply> to_write(client_reply reply);

} // namespace torc::replies
