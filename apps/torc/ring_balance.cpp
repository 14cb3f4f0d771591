#include "apps/torc/ring_balance.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "apps/torc/table.hpp"
#include "torc/core/types.hpp"

namespace torc::program {

namespace {

/// Text inside an element or an attribute. Bytes that XML forbids are shown as
/// `printable` shows them.
std::string escape_xml(std::string_view text) {
  std::string out;
  for (auto c : printable(text)) {
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    default: out += c;
    }
  }
  return out;
}

std::string pad_right(std::string text, std::size_t columns) {
  auto width = columns_of(text);
  if (width < columns)
    text.append(columns - width, ' ');
  return text;
}

std::string facts(const member_load& m) {
  auto out = fmt::format("{:.3f} of fair, {} slots, first of {}", m.load(),
                         format_count(m.slots), format_count(m.preferred));
  if (m.keys)
    out += fmt::format(", {} keys", format_count(*m.keys));
  if (m.bytes)
    out += fmt::format(", {}", format_bytes(static_cast<double>(*m.bytes)));
  if (!m.keys && !m.bytes)
    out += ", no answer";
  return out;
}

/// What stands at the right end of all bars: a bit above the fullest.
double scale(const group_balance& g) {
  return std::max(1.1, g.load_max() * 1.02);
}

std::string headline(const group_balance& g) {
  return fmt::format("{} members, {} {} of every slot; the fullest holds "
                     "{:.3f} of its fair share",
                     g.members.size(), g.replicas,
                     g.replicas == 1 ? "replica" : "replicas", g.load_max());
}

// Measures of the picture, in pixels.
constexpr double width = 880;
constexpr double margin = 24;
constexpr double label_width = 130;
constexpr double bar_width = 420;
constexpr double row_height = 30;
constexpr double bar_height = 18;
constexpr double group_head = 56;

void draw_member(const member_load& m, double y, double full,
                 std::string& out) {
  auto x = margin + label_width;
  auto middle = y + row_height / 2 + 4;
  auto name = m.name.size() > 17 ? m.name.substr(0, 16) + ".." : m.name;
  auto length = std::min(1.0, m.load() / full) * bar_width;
  auto first = m.slots == 0 ? 0
                            : length * static_cast<double>(m.preferred)
                                / static_cast<double>(m.slots);
  out += fmt::format(
    "<g><title>{}</title>"
    "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>"
    "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" "
    "rx=\"2\" class=\"bar\"/>"
    "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.0f}\" "
    "rx=\"2\" class=\"first\"/>"
    "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"fact\">{:.3f}</text>",
    escape_xml(m.name + ": " + facts(m)), x - 10, middle, escape_xml(name), x,
    y + (row_height - bar_height) / 2, length, bar_height, x,
    y + (row_height - bar_height) / 2, first, bar_height, x + bar_width + 12,
    middle, m.load());
  auto detail = fmt::format("{} slots", format_count(m.slots));
  if (m.keys)
    detail += fmt::format(", {} keys", format_count(*m.keys));
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"fact\">{}</text>"
                     "</g>\n",
                     x + bar_width + 62, middle, detail);
}

void draw_group(const group_balance& g, double y, std::string& out) {
  auto full = scale(g);
  auto x = margin + label_width;
  auto bottom =
    y + group_head + static_cast<double>(g.members.size()) * row_height;
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"head\">{}"
                     "</text>\n",
                     margin, y + 22, headline(g));
  for (std::size_t i = 0; i < g.members.size(); ++i)
    draw_member(g.members[i],
                y + group_head + static_cast<double>(i) * row_height, full,
                out);
  auto fair = x + bar_width / full;
  out += fmt::format("<path d=\"M{0:.1f} {1:.1f}V{2:.1f}\" class=\"fair\"/>"
                     "<text x=\"{0:.1f}\" y=\"{3:.1f}\" class=\"mark\" "
                     "text-anchor=\"middle\">fair share</text>\n",
                     fair, y + group_head - 4, bottom + 4, y + group_head - 10);
}

} // namespace

double group_balance::load_max() const noexcept {
  double out = 0;
  for (auto& m : members)
    out = std::max(out, m.load());
  return out;
}

void share_fairly(group_balance& group) {
  auto replicas = std::min<std::uint64_t>(group.replicas, group.members.size());
  auto left = static_cast<double>(slot_count * replicas);
  std::vector<member_load*> open;
  for (auto& m : group.members) {
    m.fair_slots = 0;
    open.push_back(&m);
  }
  // Whoever would get more than every slot gets exactly that, which leaves
  // more for the rest.
  for (auto capped = true; capped && !open.empty();) {
    double weights = 0;
    for (auto m : open)
      weights += m->weight;
    capped = false;
    for (auto m : open) {
      m->fair_slots = weights > 0 ? left * m->weight / weights : 0;
      capped = capped || m->fair_slots > slot_count;
    }
    if (!capped)
      break;
    auto full = std::stable_partition(open.begin(), open.end(), [](auto m) {
      return m->fair_slots <= slot_count;
    });
    for (auto i = full; i != open.end(); ++i) {
      (*i)->fair_slots = slot_count;
      left -= slot_count;
    }
    open.erase(full, open.end());
  }
}

std::string balance_text(const group_balance& group, std::size_t columns) {
  std::size_t names = 0;
  for (auto& m : group.members)
    names = std::max(names, columns_of(printable(m.name)));
  auto bars = columns > names + 80 ? columns - names - 70 : std::size_t{20};
  bars = std::min<std::size_t>(bars, 60);
  auto full = scale(group);
  auto out = headline(group) + "\n";
  for (auto& m : group.members)
    out += fmt::format("{}  {}  {}\n", pad_right(printable(m.name), names),
                       pad_right(bar(m.load() / full, bars), bars), facts(m));
  return out;
}

std::string balance_svg(const std::vector<group_balance>& groups,
                        std::uint64_t epoch) {
  auto height = 74.0;
  for (auto& g : groups)
    height +=
      group_head + static_cast<double>(g.members.size()) * row_height + 24;
  auto out = fmt::format(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" "
    "height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" role=\"img\" "
    "aria-label=\"Load per member of the ring\">\n"
    "<style>text{{font:13px sans-serif;fill:#1f2933}}.head{{font-weight:bold}}"
    ".title{{font-size:18px;font-weight:bold}}.fact,.mark{{fill:#52606d;"
    "font-size:12px}}.bar{{fill:#9bb8d3}}.first{{fill:#2f6690}}"
    ".fair{{stroke:#c0392b;stroke-width:1.5;stroke-dasharray:4 3;"
    "fill:none}}</style>\n"
    "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    "<text x=\"{2:.0f}\" y=\"36\" class=\"title\">Load of the ring, epoch "
    "{3}</text>\n",
    width, height, margin, epoch);
  // The legend, at the right of the title.
  out += fmt::format(
    "<rect x=\"{0:.0f}\" y=\"25\" width=\"12\" height=\"12\" class=\"first\"/>"
    "<text x=\"{1:.0f}\" y=\"36\" class=\"mark\">slots it is first for</text>"
    "<rect x=\"{2:.0f}\" y=\"25\" width=\"12\" height=\"12\" class=\"bar\"/>"
    "<text x=\"{3:.0f}\" y=\"36\" class=\"mark\">other slots it holds</text>\n",
    width - 330, width - 312, width - 180, width - 162);
  auto y = 56.0;
  for (auto& g : groups) {
    draw_group(g, y, out);
    y += group_head + static_cast<double>(g.members.size()) * row_height + 24;
  }
  return out + "</svg>\n";
}

} // namespace torc::program
