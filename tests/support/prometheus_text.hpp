#pragma once

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace torc::test {

/// A page of metrics, read strictly. `error` is empty if nothing is wrong.
struct prometheus_page {
  std::map<std::string, double> samples; ///< By name and labels as written.
  std::map<std::string, std::string> types;
  std::string error;
};

namespace detail {

inline bool name_char(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
         || c == ':' || (c >= '0' && c <= '9' && !first);
}

inline std::string_view take_name(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && name_char(text[n], n == 0))
    ++n;
  const auto name = text.substr(0, n);
  text.remove_prefix(n);
  return name;
}

/// Takes `{a="b",...}`; false if it is not well formed.
inline bool take_labels(std::string_view& text) {
  if (!text.starts_with('{'))
    return true;
  do {
    text.remove_prefix(1);
    if (take_name(text).empty() || !text.starts_with("=\""))
      return false;
    text.remove_prefix(2);
    while (!text.empty() && text[0] != '"') {
      if (text[0] == '\\') {
        if (text.size() < 2
            || std::string_view{"\\\"n"}.find(text[1]) == text.npos)
          return false;
        text.remove_prefix(1);
      }
      text.remove_prefix(1);
    }
    if (text.empty())
      return false;
    text.remove_prefix(1);
  } while (text.starts_with(','));
  if (!text.starts_with('}'))
    return false;
  text.remove_prefix(1);
  return true;
}

inline bool read_number(std::string_view text, double& out) {
  if (text == "NaN" || text == "+Inf" || text == "-Inf") {
    out = std::strtod(std::string{text}.c_str(), nullptr);
    return true;
  }
  const auto r = std::from_chars(text.data(), text.data() + text.size(), out);
  return r.ec == std::errc{} && r.ptr == text.data() + text.size();
}

class page_reader {
public:
  prometheus_page read(std::string_view text) {
    while (!text.empty() && page_.error.empty()) {
      const auto end = text.find('\n');
      if (end == text.npos) {
        page_.error = "the last line has no end";
        break;
      }
      const auto line = text.substr(0, end);
      text.remove_prefix(end + 1);
      if (line.starts_with("# "))
        comment(line.substr(2));
      else if (!sample(line))
        page_.error = "bad sample: " + std::string{line};
    }
    return page_;
  }

private:
  void comment(std::string_view line) {
    const auto word = line.substr(0, 5);
    line.remove_prefix(std::min<std::size_t>(5, line.size()));
    const std::string name{take_name(line)};
    if (word == "HELP " && helped_.insert(name).second)
      return;
    if (word == "TYPE " && line.size() > 1
        && page_.types.emplace(name, line.substr(1)).second) {
      family_ = name;
      below_ = 0;
      return;
    }
    page_.error = "bad or repeated comment on " + name;
  }

  bool sample(std::string_view line) {
    auto rest = line;
    std::string name{take_name(rest)};
    if (name.empty() || !take_labels(rest) || !rest.starts_with(' '))
      return false;
    const std::string key{line.substr(0, line.size() - rest.size())};
    double value = 0;
    if (!read_number(rest.substr(1), value)
        || !page_.samples.emplace(key, value).second)
      return false;
    if (page_.types[family_] == "histogram")
      return histogram_sample(name, value);
    return name == family_;
  }

  /// Buckets of one series grow, and the count is the last of them.
  bool histogram_sample(const std::string& name, double value) {
    if (name == family_ + "_bucket") {
      if (value < below_)
        return false;
      below_ = value;
      return true;
    }
    if (name == family_ + "_sum")
      return true;
    const bool ok = name == family_ + "_count" && value == below_;
    below_ = 0;
    return ok;
  }

  prometheus_page page_;
  std::set<std::string> helped_;
  std::string family_;
  double below_ = 0;
};

} // namespace detail

inline prometheus_page parse_prometheus(std::string_view text) {
  return detail::page_reader{}.read(text);
}

} // namespace torc::test
