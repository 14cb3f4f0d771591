#pragma once

#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "actors/gateway/byte_stream.hpp"

namespace torc::gateway {

std::unique_ptr<byte_stream>
make_plain_stream(boost::asio::ip::tcp::socket socket);

} // namespace torc::gateway
