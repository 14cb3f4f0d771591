#include "actors/client/replies.hpp"

namespace torc::replies {

client_reply failure(errc code, std::string text) {
  client_reply r;
  r.status = code;
  r.text = std::move(text);
  return r;
}

error to_error(const client_reply& reply) {
  return {reply.status, reply.text};
}

reply_info info_of(const client_reply& reply) {
  return {reply.version, reply.level, reply.synced, reply.expires_at,
          reply.clock};
}

result<read_reply> to_read(client_reply reply) {
  if (reply.status != no_error)
    return to_error(reply);
  read_reply out;
  out.info = info_of(reply);
  if (reply.found)
    out.value = std::move(reply.value);
  return out;
}

result<write_reply> to_write(client_reply reply) {
  if (reply.status != no_error)
    return to_error(reply);
  return write_reply{reply.found, reply.changed, info_of(reply)};
}

} // namespace torc::replies
