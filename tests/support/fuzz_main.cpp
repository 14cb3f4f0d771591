// Runs a fuzz target without a fuzzer: on every file of the folders named as
// arguments, and on inputs derived from them by a fixed sequence of changes.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace {

constexpr int changes_per_example = 2000;

void feed(const std::string& input) {
  // A copy of exact size, so that a read beyond the end is seen.
  std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

/// Flips, cuts, repeats or overwrites a part of `text`.
std::string changed(std::string text, std::mt19937& random) {
  const int steps = 1 + static_cast<int>(random() % 4);
  for (int i = 0; i < steps; ++i) {
    const std::size_t at = text.empty() ? 0 : random() % text.size();
    const std::size_t length = 1 + random() % 8;
    switch (random() % 5) {
    case 0: text.insert(at, length, static_cast<char>(random())); break;
    case 1:
      if (!text.empty()) {
        text[at] = static_cast<char>(random());
      }
      break;
    case 2: text.erase(at, length); break;
    case 3: text.resize(at); break;
    default: text.append(text.substr(at, length * 8)); break;
    }
  }
  return text;
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string> examples{std::string{}};
  for (int i = 1; i < argc; ++i) {
    if (!std::filesystem::is_directory(argv[i])) {
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator{argv[i]}) {
      std::ifstream in{entry.path(), std::ios::binary};
      examples.emplace_back(std::istreambuf_iterator<char>{in},
                            std::istreambuf_iterator<char>{});
    }
  }
  std::sort(examples.begin(), examples.end());
  std::mt19937 random{20260101};
  for (const auto& example : examples) {
    feed(example);
    for (int i = 0; i < changes_per_example; ++i) {
      feed(changed(example, random));
    }
  }
  std::printf("1 passed, 0 failed\n");
  return 0;
}
