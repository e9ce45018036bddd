// SPDX-License-Identifier: Apache-2.0
// WordFinder: where any of many words stands in a text, in one pass (Aho and Corasick, 1975): time
// grows with the text, whatever the words are. Immutable once made; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace panshi {

class WordFinder {
 public:
  // REQUIRES: no word is empty.
  explicit WordFinder(const std::vector<std::string>& words);

  // Calls `found` for each place where words end, with the number and end of the longest of them.
  using Found = std::function<void(std::size_t word, std::size_t end)>;
  void find(std::string_view text, const Found& found) const;

 private:
  static constexpr std::uint32_t kNone = 0;  // the root is nobody's child, nor a word's end

  struct Node {
    std::uint32_t suffix = kNone;   // the node of the longest proper suffix that is one
    std::uint32_t first = kNone;    // child
    std::uint32_t sibling = kNone;  // next one
    std::uint32_t word = 0;         // 1 + the longest that ends here; 0: none
    std::uint32_t parent = kNone;
    char byte = 0;
  };

  std::uint32_t child(std::uint32_t node, char byte) const;
  std::uint32_t step(std::uint32_t node, char byte) const;
  void add(const std::string& word, std::uint32_t number);
  void link_suffixes();

  std::vector<Node> nodes_{Node()};
  std::array<std::uint32_t, 256> of_root_{};
};

}  // namespace panshi
