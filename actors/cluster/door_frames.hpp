#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"

/// What travels through the door before the network layer takes over. Pure.
///
///   connection  = preface preface authentication hello hello answer answer
///   preface     = "TORC" version:u8 trust:u8 zero:u16
///   hello       = size:u16 bytes      ; core/hello.hpp has the bytes
///   answer      = size:u16 text       ; "ok", or why not
///
/// The dialer sends its preface and its hello first. Then the acceptor sends
/// its hello and its answer, and the dialer ends with its own answer. Integers
/// are little-endian.
namespace torc::door_frames {

inline constexpr std::uint8_t version = 1;

/// By what members know each other. Stands in the preface.
enum class trust : std::uint8_t { certificates = 1, secret = 2 };

inline constexpr std::size_t preface_bytes = 8;
inline constexpr std::size_t size_bytes = 2;
inline constexpr std::size_t hello_bytes_max = 1024;
inline constexpr std::size_t answer_bytes_max = 512;

std::string preface(trust own);

/// `errc::corrupt`: not a door; `errc::refused`: another version of the door or
/// another kind of trust.
result<void> check_preface(std::string_view bytes, trust own);

/// REQUIRES: 1 to 65535 bytes.
std::string frame(std::string_view bytes);

/// What a frame's first bytes announce. `errc::corrupt` if it is 0 or above
/// `bytes_max`.
result<std::size_t> frame_size(std::string_view bytes, std::size_t bytes_max);

/// "ok" or the error's text, cut to what fits.
std::string answer(const result<void>& verdict);

/// Back from the wire, with everything but printable ASCII replaced: it goes
/// into the log.
result<void> read_answer(std::string_view bytes);

} // namespace torc::door_frames
