#include "apps/torc/table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "torc/core/assert.hpp"
#include "torc/record_files.hpp"

namespace torc::program {

table::table(std::vector<std::string> header) {
  rows_.push_back(std::move(header));
}

void table::add(std::vector<std::string> cells) {
  TORC_ASSERT(cells.size() == rows_.front().size());
  for (auto& c : cells)
    c = printable(c);
  rows_.push_back(std::move(cells));
}

std::string table::to_text() const {
  auto columns = rows_.front().size();
  std::vector<std::size_t> width(columns);
  std::vector<char> numeric(columns, rows_.size() > 1);
  for (std::size_t r = 0; r < rows_.size(); ++r)
    for (std::size_t c = 0; c < columns; ++c) {
      auto& cell = rows_[r][c];
      width[c] = std::max(width[c], columns_of(cell));
      if (r > 0
          && cell.find_first_not_of("0123456789.,-%") != std::string::npos)
        numeric[c] = false;
    }
  std::string out;
  for (auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < columns; ++c) {
      std::string pad(width[c] - columns_of(row[c]), ' ');
      line += c > 0 ? "  " : "";
      line += numeric[c] ? pad + row[c] : row[c] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::size_t columns_of(std::string_view text) noexcept {
  auto continues = [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  };
  return text.size()
         - static_cast<std::size_t>(
           std::count_if(text.begin(), text.end(), continues));
}

std::string printable(std::string_view text) {
  auto utf8 = is_utf8(text);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too.
    auto c1 = byte == 0xc2 && i + 1 < text.size()
              && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (c1) {
      ++i;
      out += fmt::format("\\xc2\\x{:02x}", static_cast<unsigned char>(text[i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string bar(double share, std::size_t columns) {
  static constexpr std::array<const char*, 8> eighths{"",  "▏", "▎", "▍",
                                                      "▌", "▋", "▊", "▉"};
  auto steps = static_cast<std::size_t>(std::llround(
    std::clamp(share, 0.0, 1.0) * static_cast<double>(columns * 8)));
  std::string out;
  for (std::size_t i = 0; i < steps / 8; ++i)
    out += "█";
  return out + eighths[steps % 8];
}

std::string format_bytes(double bytes) {
  static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB",
                                                    "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 ? 0 : 1, units[unit]);
}

std::string format_count(std::uint64_t n) {
  auto digits = std::to_string(n);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0)
      out += ',';
    out += digits[i];
  }
  return out;
}

std::string format_seconds(double seconds) {
  auto s = static_cast<std::uint64_t>(std::max(0.0, seconds));
  if (s >= 86400)
    return fmt::format("{}d {}h {}m", s / 86400, s / 3600 % 24, s / 60 % 60);
  if (s >= 3600)
    return fmt::format("{}h {}m", s / 3600, s / 60 % 60);
  if (s >= 60)
    return fmt::format("{}m {}s", s / 60, s % 60);
  return fmt::format("{}s", s);
}

} // namespace torc::program
