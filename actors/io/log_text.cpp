#include "actors/io/log_text.hpp"

#include "torc/core/utf8.hpp"

namespace torc::log {
namespace {

constexpr std::string_view hex = "0123456789abcdef";

bool is_control(unsigned char b) {
  return b < 0x20 || b == 0x7f;
}

void append_escape(std::string& out, unsigned char b, std::string_view lead) {
  out.append(lead).push_back(hex[b >> 4]);
  out.push_back(hex[b & 15]);
}

} // namespace

void append_plain(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (c == '\n')
      out.append("\\n");
    else if (c == '\t')
      out.append("\\t");
    else if (is_control(b))
      append_escape(out, b, "\\x");
    else
      out.push_back(c);
  }
}

void append_json(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const char c = text[0];
    const auto b = static_cast<unsigned char>(c);
    std::size_t n = 1;
    if (c == '"' || c == '\\') {
      out.append(1, '\\').push_back(c);
    } else if (is_control(b)) {
      append_escape(out, b, "\\u00");
    } else {
      n = utf8_length(text);
      if (n == 0) {
        out.append(utf8_replacement);
        n = 1;
      } else {
        out.append(text.substr(0, n));
      }
    }
    text.remove_prefix(n);
  }
}

void append_plain_value(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(" \t\n\"=") == text.npos) {
    append_plain(out, text);
    return;
  }
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out.push_back('\\');
    append_plain(out, {&c, 1});
  }
  out.push_back('"');
}

} // namespace torc::log
