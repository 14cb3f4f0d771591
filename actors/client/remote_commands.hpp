#pragma once

#include <string>
#include <vector>

#include "torc/client.hpp"
#include "torc/resp_value.hpp"

/// How a client's requests look on a RESP door, and what its answers mean.
namespace torc::remote {

/// A request as commands of a RESP door, to be sent one after the other. Never
/// empty, but for an operation or a level that doors do not offer.
std::vector<std::vector<std::string>> commands_of(const client_request& r);

/// The reply that the answers to these commands amount to.
/// REQUIRES: as many answers as commands.
client_reply reply_of(const client_request& r,
                      const std::vector<resp_value>& answers);

} // namespace torc::remote
