#include "apps/torc/record_loader.hpp"

#include <algorithm>
#include <thread>
#include <unordered_set>

#include <fmt/format.h>

namespace torc::program {

namespace {

using namespace std::chrono_literals;

/// Commands are sent when so many bytes wait.
constexpr std::size_t send_bytes = 64 * limits::kib;

constexpr std::chrono::milliseconds pause_min = 20ms;
constexpr std::chrono::milliseconds pause_max = 500ms;
/// A write that was forwarded and not answered may be carried out for some time
/// yet (300 ms and the clocks' skew). What is sent again must come later, or it
/// could lose against its own first send and everything behind it.
constexpr std::chrono::milliseconds unsure_pause = 1000ms;
/// Of one WAIT; in between it is looked whether to stop.
constexpr std::uint64_t wait_ms_max = 1'000;

} // namespace

record_loader::record_loader(resp_client& client, loader_options options,
                             refuse_callback on_refused)
  : client_(client), options_(std::move(options)),
    on_refused_(std::move(on_refused)), last_success_(clock::now()) {
  options_.window = std::max<std::size_t>(1, options_.window);
}

bool record_loader::is_stopped() const {
  return options_.stop && options_.stop();
}

bool record_loader::is_full() const noexcept {
  return entries_.size() >= options_.window || bytes_ >= options_.window_bytes;
}

void record_loader::send(entry& e) {
  auto& r = e.record;
  if (r.ttl_ms == 0) {
    client_.queue({"SET", r.key, r.value});
  } else {
    auto ttl = std::to_string(r.ttl_ms);
    client_.queue({"SET", r.key, r.value, "PX", ttl});
  }
  e.is = state::sent;
}

result<void> record_loader::add(file_record record) {
  // The time to give up counts from here if nothing was under way.
  if (awaiting_.empty())
    last_success_ = clock::now();
  ++counts_.records;
  bytes_ += record.key.size() + record.value.size();
  entries_.push_back({std::move(record)});
  if (!client_.is_connected()) {
    trouble_ = true;
    if (auto ok = settle(); !ok)
      return ok;
    return {};
  }
  send(entries_.back());
  awaiting_.push_back(first_ + entries_.size() - 1);
  if (client_.queued_bytes() >= send_bytes)
    if (auto ok = idle(); !ok)
      return ok;
  if (!is_full())
    return {};
  if (options_.wait_replicas > 0)
    return settle();
  drain(awaiting_.size() / 2);
  drop_settled();
  // What is left of a full window may be one large record in front.
  return trouble_ || fatal_ || is_full() ? settle() : result<void>{};
}

result<void> record_loader::idle() {
  if (client_.is_connected()) {
    if (auto ok = client_.flush(); !ok)
      on_lost(std::move(ok).error());
    else
      take_available();
    drop_settled();
  }
  return trouble_ || fatal_ ? settle() : result<void>{};
}

result<void> record_loader::finish() {
  return settle();
}

void record_loader::on_reply(entry& e, const resp_value& reply) {
  if (!reply.is_error()) {
    e.is = state::done;
    ++counts_.written;
    last_success_ = clock::now();
    return;
  }
  auto why = to_error(reply.text);
  switch (why.code) {
  case errc::no_replica:
  case errc::not_ready: change_door_ = true; [[fallthrough]];
  case errc::try_again:
    e.is = state::waiting;
    ++counts_.retried;
    trouble_ = true;
    last_error_ = std::move(why);
    break;
  case errc::unknown_outcome:
    e.is = state::waiting;
    e.maybe_done = true;
    ++counts_.unknown_resent;
    trouble_ = unsure_ = true;
    last_error_ = std::move(why);
    break;
  case errc::memory_limit:
  case errc::disk_full:
  case errc::refused:
    e.is = state::waiting;
    why.message = fmt::format("line {}: {}", e.record.line, why.message);
    if (!fatal_)
      fatal_ = std::move(why);
    break;
  default:
    e.is = state::refused;
    ++counts_.refused;
    on_refused_(e.record.line, why.message);
  }
}

/// WAIT counts the writes of one connection only: when that one goes,
/// everything since the last WAIT has to be sent again.
void record_loader::forget_done() {
  if (options_.wait_replicas == 0)
    return;
  for (auto& e : entries_)
    if (e.is == state::done) {
      e.is = state::waiting;
      e.maybe_done = true;
      --counts_.written;
      ++counts_.unknown_resent;
    }
}

/// The connection is gone: what was not answered may have been done.
void record_loader::on_lost(error e) {
  forget_done();
  for (auto number : awaiting_) {
    auto& lost = entries_[number - first_];
    lost.is = state::waiting;
    lost.maybe_done = true;
    ++counts_.unknown_resent;
  }
  unsure_ = unsure_ || !awaiting_.empty();
  awaiting_.clear();
  client_.disconnect();
  trouble_ = true;
  last_error_ = std::move(e);
}

void record_loader::drain(std::size_t left) {
  while (awaiting_.size() > left) {
    auto reply = client_.next_reply();
    if (!reply)
      return on_lost(std::move(reply).error());
    auto number = awaiting_.front();
    awaiting_.pop_front();
    on_reply(entries_[number - first_], *reply);
  }
}

void record_loader::take_available() {
  resp_value reply;
  while (!awaiting_.empty()) {
    auto taken = client_.take_reply(reply);
    if (!taken)
      return on_lost(std::move(taken).error());
    if (!*taken)
      return;
    auto number = awaiting_.front();
    awaiting_.pop_front();
    on_reply(entries_[number - first_], reply);
  }
}

/// Forgets answered entries at the front. Those behind one that has to be sent
/// again stay: they may have to follow it. All stay where replicas are waited
/// for.
void record_loader::drop_settled() {
  if (options_.wait_replicas > 0)
    return;
  while (!entries_.empty()
         && (entries_.front().is == state::done
             || entries_.front().is == state::refused)) {
    auto& r = entries_.front().record;
    bytes_ -= r.key.size() + r.value.size();
    entries_.pop_front();
    ++first_;
  }
}

/// Ends with nothing under way, or with an error.
result<void> record_loader::settle() {
  for (;;) {
    drain(0);
    if (fatal_)
      return give_up(*fatal_);
    if (trouble_) {
      if (auto ok = recover(); !ok)
        return ok;
      continue;
    }
    if (options_.wait_replicas > 0 && !entries_.empty()) {
      if (auto ok = wait_for_replicas(); !ok)
        return ok;
      if (trouble_)
        continue;
    }
    entries_.clear();
    bytes_ = 0;
    first_ = 0;
    return {};
  }
}

/// Marks what has to be sent: what failed, and what was written behind it under
/// the same key, which would be hidden otherwise.
bool record_loader::choose_resends() {
  std::unordered_set<std::string_view> keys;
  for (auto& e : entries_) {
    if (e.is == state::waiting) {
      keys.insert(e.record.key);
    } else if (e.is == state::done && keys.contains(e.record.key)) {
      e.is = state::waiting;
      --counts_.written;
    }
  }
  return !keys.empty();
}

/// Sends again what failed, after a pause, until all of it was sent once more
/// on a live connection.
result<void> record_loader::recover() {
  if (!choose_resends()) {
    trouble_ = unsure_ = change_door_ = false;
    return {};
  }
  if (change_door_) {
    forget_done();
    client_.disconnect();
  }
  auto pause = unsure_ ? unsure_pause : pause_min;
  for (;;) {
    auto limit = last_success_ + std::chrono::milliseconds{options_.give_up_ms};
    if (clock::now() >= limit)
      return give_up(last_error_);
    if (is_stopped())
      return give_up({errc::io_error, "interrupted"});
    std::this_thread::sleep_for(pause);
    pause = std::min(std::max(pause, pause_min) * 2, pause_max);
    auto reached = client_.connect(limit);
    if (reached)
      break;
    last_error_ = std::move(reached).error();
    if (last_error_.code != errc::no_replica)
      return give_up(last_error_);
  }
  trouble_ = unsure_ = change_door_ = false;
  for (std::size_t i = 0; i < entries_.size(); ++i)
    if (entries_[i].is == state::waiting) {
      send(entries_[i]);
      awaiting_.push_back(first_ + i);
      if (client_.queued_bytes() < send_bytes)
        continue;
      if (auto ok = client_.flush(); !ok) {
        on_lost(std::move(ok).error());
        break;
      }
    }
  return {};
}

result<void> record_loader::wait_for_replicas() {
  auto wanted = std::to_string(options_.wait_replicas);
  auto timeout =
    std::to_string(std::min(client_.options().request_ms / 2 + 1, wait_ms_max));
  auto until = clock::now() + std::chrono::milliseconds{options_.give_up_ms};
  for (;;) {
    client_.queue({"WAIT", wanted, timeout});
    auto reply = client_.next_reply();
    if (!reply) {
      on_lost(std::move(reply).error());
      unsure_ = true;
      return {};
    }
    if (reply->is_error())
      return give_up(to_error(reply->text));
    if (reply->integer >= options_.wait_replicas) {
      last_success_ = clock::now();
      return {};
    }
    if (clock::now() >= until)
      return give_up(
        {errc::timeout,
         fmt::format("only {} of {} other replicas have the writes up to line "
                     "{}",
                     reply->integer, options_.wait_replicas,
                     entries_.back().record.line)});
    if (is_stopped())
      return give_up({errc::io_error, "interrupted"});
  }
}

result<void> record_loader::give_up(error e) {
  drain(0);
  for (auto& one : entries_) {
    if (one.is == state::waiting && one.maybe_done)
      ++counts_.unknown;
    else if (one.is == state::waiting)
      ++counts_.not_written;
  }
  entries_.clear();
  trouble_ = false;
  return e;
}

} // namespace torc::program
