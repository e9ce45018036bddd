// SPDX-License-Identifier: Apache-2.0
#include "core/base/word_finder.h"

namespace panshi {

WordFinder::WordFinder(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) add(words[i], static_cast<std::uint32_t>(i));
  link_suffixes();
}

std::uint32_t WordFinder::child(std::uint32_t node, char byte) const {
  if (node == 0) return of_root_[static_cast<unsigned char>(byte)];
  std::uint32_t each = nodes_[node].first;
  while (each != kNone && nodes_[each].byte != byte) each = nodes_[each].sibling;
  return each;
}

void WordFinder::add(const std::string& word, std::uint32_t number) {
  std::uint32_t at = 0;
  for (const char byte : word) {
    std::uint32_t next = child(at, byte);
    if (next == kNone) {
      next = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({.sibling = nodes_[at].first, .parent = at, .byte = byte});
      nodes_[at].first = next;
      if (at == 0) of_root_[static_cast<unsigned char>(byte)] = next;
    }
    at = next;
  }
  nodes_[at].word = number + 1;
}

// Breadth first: a suffix is shorter than what it ends.
void WordFinder::link_suffixes() {
  std::vector<std::uint32_t> row;
  for (std::uint32_t each = nodes_[0].first; each != kNone; each = nodes_[each].sibling) {
    row.push_back(each);
  }
  for (std::size_t i = 0; i < row.size(); ++i) {
    Node& node = nodes_[row[i]];
    if (node.parent != 0) node.suffix = step(nodes_[node.parent].suffix, node.byte);
    if (node.word == 0) node.word = nodes_[node.suffix].word;
    for (std::uint32_t each = node.first; each != kNone; each = nodes_[each].sibling) {
      row.push_back(each);
    }
  }
}

std::uint32_t WordFinder::step(std::uint32_t node, char byte) const {
  while (true) {
    const std::uint32_t next = child(node, byte);
    if (next != kNone || node == 0) return next;
    node = nodes_[node].suffix;
  }
}

void WordFinder::find(std::string_view text, const Found& found) const {
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    at = step(at, text[i]);
    if (nodes_[at].word > 0) found(nodes_[at].word - 1, i + 1);
  }
}

}  // namespace panshi
