// `torc dump`.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/torc/connection.hpp"
#include "apps/torc/input_file.hpp"
#include "apps/torc/progress.hpp"
#include "apps/torc/table.hpp"
#include "torc/core/limits.hpp"
#include "torc/wall_clock.hpp"

namespace torc::program {

namespace {

constexpr std::size_t write_bytes_min = 256 * limits::kib;

/// Where the records go: stdout, or a file that takes its name only once it is
/// whole, so that a dump that fails leaves an older one as it was.
class output_file {
public:
  ~output_file() {
    if (file_ == nullptr || file_ == stdout)
      return;
    std::fclose(file_);
    if (temporary_ != path_)
      ::unlink(temporary_.c_str());
  }

  result<void> open(const std::string& path) {
    path_ = temporary_ = path;
    if (path == "-") {
      file_ = stdout;
      return {};
    }
    std::error_code ec;
    auto status = std::filesystem::status(path, ec);
    // A pipe or a device cannot be replaced.
    if (!exists(status) || is_regular_file(status))
      temporary_ += ".part";
    file_ = std::fopen(temporary_.c_str(), "wb");
    return file_ != nullptr ? result<void>{} : failure();
  }

  result<void> write(std::string_view bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size()
             ? result<void>{}
             : failure();
  }

  result<void> commit() {
    if (file_ == stdout)
      return std::fflush(file_) == 0 ? result<void>{} : failure();
    auto ok = std::fflush(file_) == 0;
    if (temporary_ != path_)
      ok = ok && ::fsync(::fileno(file_)) == 0;
    ok = std::fclose(std::exchange(file_, nullptr)) == 0 && ok;
    if (ok && temporary_ != path_)
      ok = std::rename(temporary_.c_str(), path_.c_str()) == 0;
    return ok ? result<void>{} : failure();
  }

private:
  result<void> failure() const {
    return {errc::io_error, fmt::format("cannot write {}: {}", temporary_,
                                        std::strerror(errno))};
  }

  std::FILE* file_ = nullptr;
  std::string path_;
  std::string temporary_;
};

class dumper {
public:
  dumper(const dump_command& c, record_format format, resp_client& client,
         output_file& output)
    : command_(c), format_(format), client_(client), output_(output) {}

  result<void> run(progress& bar) {
    std::string cursor = "0";
    do {
      resp_client::argv scan{"SCAN", cursor, "COUNT", scan_count};
      if (!command_.match.empty())
        scan.insert(scan.end(), {"MATCH", command_.match});
      auto page = client_.call(scan);
      if (!page)
        return std::move(page).error();
      if (page->items.size() != 2)
        return {errc::corrupt, "SCAN answered something else"};
      if (auto ok = write_page(page->items[1].items); !ok)
        return ok;
      cursor = page->items[0].text;
      bar.update(records, records);
    } while (cursor != "0");
    return flush();
  }

  std::uint64_t records = 0;
  std::uint64_t bytes = 0;

private:
  resp_client::argv get(const std::string& key) const {
    return {command_.ttl ? "TORC.GET" : "GET", key};
  }

  /// Reads the values of a page's keys, all requests on their way at once. What
  /// is not answered well is asked once more, alone.
  result<void> write_page(const std::vector<resp_value>& keys) {
    std::size_t answered = 0;
    if (client_.connect())
      for (auto& key : keys)
        client_.queue(get(key.text));
    while (client_.is_connected() && answered < keys.size()) {
      auto reply = client_.next_reply();
      if (!reply)
        break;
      auto& key = keys[answered].text;
      // Other replies are under way: what is asked again has to wait.
      if (reply->is_error())
        again_.push_back(key);
      else if (auto ok = write(key, *reply); !ok)
        return ok;
      ++answered;
    }
    for (; answered < keys.size(); ++answered)
      again_.push_back(keys[answered].text);
    for (auto& key : again_) {
      auto reply = client_.call(get(key));
      if (!reply)
        return std::move(reply).error();
      if (auto ok = write(key, *reply); !ok)
        return ok;
    }
    again_.clear();
    return {};
  }

  result<void> write(const std::string& key, const resp_value& reply) {
    auto value = command_.ttl ? reply.find("value") : &reply;
    if (value == nullptr || !value->is_text()) // removed since the scan
      return {};
    std::uint64_t ttl_ms = 0;
    if (auto until = reply.integer_of("expires_at_ms"); until > 0) {
      auto now = static_cast<std::int64_t>(system_wall());
      ttl_ms =
        static_cast<std::uint64_t>(std::max<std::int64_t>(1, until - now));
    }
    append_record(format_, key, value->text, ttl_ms, buffer_);
    ++records;
    return buffer_.size() >= write_bytes_min ? flush() : result<void>{};
  }

  result<void> flush() {
    bytes += buffer_.size();
    auto ok = output_.write(buffer_);
    buffer_.clear();
    return ok;
  }

  const dump_command& command_;
  record_format format_;
  resp_client& client_;
  output_file& output_;
  std::vector<std::string> again_;
  std::string buffer_;
};

/// Keys in the keyspace, for the progress bar; 0 if a pattern makes it useless.
std::uint64_t expected_keys(const dump_command& c, resp_client& client) {
  if (!c.match.empty())
    return 0;
  auto size = client.call({"DBSIZE"});
  return size && size->integer > 0 ? static_cast<std::uint64_t>(size->integer)
                                   : 0;
}

} // namespace

exit_code run_dump(const dump_command& c) {
  auto format = choose_format(c.format, c.file);
  if (!format)
    return fail(c.client, exit_code::usage, format.error());
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  if (auto ok = client->connect(); !ok)
    return fail(c.client, ok.error());
  learn_doors(*client);
  output_file output;
  if (auto ok = output.open(c.file); !ok)
    return fail(c.client, ok.error());
  double seconds = 0;
  dumper d{c, *format, *client, output};
  {
    progress bar{"dumping", expected_keys(c, *client)};
    auto ok = d.run(bar);
    if (ok)
      ok = output.commit();
    if (!ok)
      return fail(c.client, ok.error());
    seconds = bar.seconds();
  }
  // Where the records went to stdout, what is told about them does not.
  auto to = c.file == "-" ? stderr : stdout;
  if (c.client.json)
    fmt::print(to, "{}\n",
               json{{"file", c.file},
                    {"records", d.records},
                    {"bytes", d.bytes},
                    {"seconds", seconds}}
                 .dump(2));
  else
    fmt::print(to, "{} records, {} in {:.1f} s\n", format_count(d.records),
               format_bytes(static_cast<double>(d.bytes)), seconds);
  return exit_code::ok;
}

} // namespace torc::program
