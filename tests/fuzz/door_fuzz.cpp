// Hostile bytes at the cluster's door: what a stranger or a broken member can
// send before it is admitted. Nothing is believed that would not come out again
// as it went in, and no text of theirs reaches the log as it is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "actors/cluster/door_frames.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/hello.hpp"

namespace {

namespace frames = torc::door_frames;

void check_preface(std::string_view bytes) {
  for (const auto kind : {frames::trust::certificates, frames::trust::secret})
    if (frames::check_preface(bytes, kind)) {
      TORC_ASSERT(bytes.size() >= frames::preface_bytes - 2);
      TORC_ASSERT(bytes.substr(0, 6) == frames::preface(kind).substr(0, 6));
    }
}

void check_frame(std::string_view bytes) {
  const auto size = frames::frame_size(bytes, frames::hello_bytes_max);
  if (size) {
    TORC_ASSERT(*size > 0 && *size <= frames::hello_bytes_max);
    const auto body = bytes.substr(frames::size_bytes, *size);
    if (body.size() == *size)
      TORC_ASSERT(bytes.starts_with(frames::frame(body)));
  }
}

void check_answer(std::string_view bytes) {
  const auto verdict = frames::read_answer(bytes);
  TORC_ASSERT(static_cast<bool>(verdict) == (bytes == "ok"));
  if (!verdict) {
    const auto& text = verdict.error().message;
    TORC_ASSERT(text.size() == bytes.size());
    TORC_ASSERT(std::all_of(text.begin(), text.end(),
                            [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

void check_hello(std::string_view bytes) {
  const auto greeting = torc::decode_hello(bytes);
  if (!greeting)
    return;
  TORC_ASSERT(torc::encode_hello(*greeting) == bytes);
  // Whatever it says, the verdict is a text that fits into an answer.
  torc::hello own;
  own.member = torc::member_id{1};
  own.cluster.bytes.fill(7);
  own.wall = 1'700'000'000'000;
  const auto verdict = torc::check_hello(own, *greeting, 500);
  const auto answer = frames::answer(verdict);
  TORC_ASSERT(!answer.empty() && answer.size() <= frames::answer_bytes_max);
  TORC_ASSERT(static_cast<bool>(frames::read_answer(answer))
              == static_cast<bool>(verdict));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  check_preface(bytes);
  check_frame(bytes);
  check_answer(bytes);
  check_hello(bytes);
  return 0;
}
