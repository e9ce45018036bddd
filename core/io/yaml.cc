// SPDX-License-Identifier: Apache-2.0
#include "core/io/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <vector>

#include "core/base/struck.h"
#include "core/base/text.h"
#include "core/io/files.h"

namespace panshi {
namespace {

constexpr std::size_t kBytesMax = 1 << 20;
constexpr std::size_t kDepthMax = 64;
constexpr std::size_t kNodesMax = 10'000;

struct Refusal {
  Mark mark;
  std::string message;
};

Mark from_library(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

bool is_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "0", "-12", "3.5": no leading zeros, no exponent (a commit id may be 1e3), nothing but digits.
bool is_decimal(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  if (!is_digits(whole) || (whole.size() > 1 && whole.front() == '0')) return false;
  return dot == std::string_view::npos || is_digits(text.substr(dot + 1));
}

template <class Number>
std::optional<nlohmann::json> number_of(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return nlohmann::json(value);
}

nlohmann::json plain_scalar(const std::string& text, Mark mark) {
  if (text == "true" || text == "false") return text == "true";
  if (!is_decimal(text)) return text;
  const bool whole = text.find('.') == std::string::npos;
  const auto number = whole ? number_of<std::int64_t>(text) : number_of<double>(text);
  if (!number) throw Refusal{mark, cat("the number ", struck_head(text, 40), " is too large")};
  return *number;
}

// Builds the JSON while the parser reads, so that every limit holds before anything is kept.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(Document& document) : document_(document) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) {
      throw Refusal{from_library(mark),
                    "something follows the end of the document: "
                    "several documents in one file are refused"};
    }
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add(nullptr, from_library(mark), "?", anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refusal{from_library(mark), "aliases (*name) are refused: write the value out"};
  }
  void OnScalar(const YAML::Mark& library_mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    const Mark mark = from_library(library_mark);
    if (expects_key()) {
      refuse_unplain(mark, tag, anchor);
      take_key(text, mark);
    } else {
      add(tag == "?" ? plain_scalar(text, mark) : nlohmann::json(text), mark, tag, anchor);
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(add(nlohmann::json::array(), from_library(mark), tag, anchor), from_library(mark));
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(add(nlohmann::json::object(), from_library(mark), tag, anchor), from_library(mark));
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Level {
    nlohmann::json* value = nullptr;
    std::string path;
    std::optional<std::string> key = {};  // read, its value not yet
  };
  struct Place {
    nlohmann::json* value;
    std::string path;
  };

  bool expects_key() const {
    return !open_.empty() && open_.back().value->is_object() && !open_.back().key;
  }

  void refuse_unplain(Mark mark, const std::string& tag, YAML::anchor_t anchor) {
    if (++nodes_ > kNodesMax) throw Refusal{mark, cat("more than ", kNodesMax, " values")};
    if (anchor != YAML::NullAnchor) {
      throw Refusal{mark, "anchors (&name) are refused: write the value out"};
    }
    if (tag != "?" && tag != "!" && !tag.empty()) {
      throw Refusal{mark, cat("the tag ", struck_head(tag, 80), " is refused: values are plain")};
    }
  }

  void take_key(const std::string& key, Mark mark) {
    Level& level = open_.back();
    if (level.value->contains(key)) {
      const Mark first = document_.marks[path_in(level, key)];
      throw Refusal{mark, cat("`", key, "` is here twice, first on line ", first.line)};
    }
    document_.marks[path_in(level, key)] = mark;
    level.key = key;
  }

  static std::string path_in(const Level& level, const std::string& key) {
    return level.path.empty() ? key : cat(level.path, ".", key);
  }

  Place add(nlohmann::json value, Mark mark, const std::string& tag, YAML::anchor_t anchor) {
    if (expects_key()) throw Refusal{mark, "a key must be text"};
    refuse_unplain(mark, tag, anchor);
    if (open_.empty()) {
      document_.root = std::move(value);
      return {&document_.root, ""};
    }
    Level& level = open_.back();
    if (level.value->is_object()) {
      const std::string key = *std::exchange(level.key, std::nullopt);
      nlohmann::json& slot = (*level.value)[key] = std::move(value);
      return {&slot, path_in(level, key)};
    }
    std::string path = cat(level.path, "[", level.value->size(), "]");
    document_.marks[path] = mark;
    level.value->push_back(std::move(value));
    return {&level.value->back(), std::move(path)};
  }

  // The pointer stays good: a container grows only while it is the innermost one open.
  void open(Place place, Mark mark) {
    if (open_.size() >= kDepthMax) throw Refusal{mark, cat("more than ", kDepthMax, " levels")};
    open_.push_back({place.value, std::move(place.path)});
  }

  Document& document_;
  std::vector<Level> open_;
  std::size_t nodes_ = 0;
  bool started_ = false;
};

tl::unexpected<Error> refused(const std::string& file, Mark mark, std::string_view message) {
  return fail(ErrorCode::kInvalid, cat(file, ":", mark.line, ":", mark.column, ": ", message));
}

Mark mark_of(std::string path, const Document& document) {
  while (true) {
    if (const auto found = document.marks.find(path); found != document.marks.end()) {
      return found->second;
    }
    if (path.empty()) return {1, 1};
    const auto parent = path.find_last_of(".[");
    path.resize(parent == std::string::npos ? 0 : parent);
  }
}

}  // namespace

Result<Document> read_yaml(std::string_view text, std::string file) {
  Document document;
  document.file = std::move(file);
  document.marks[""] = {1, 1};
  if (text.size() > kBytesMax) {
    return refused(document.file, {1, 1}, cat("the file is longer than ", kBytesMax, " bytes"));
  }
  try {
    // The library takes an unclosed quote that ends in a newline for closed, and would swallow the
    // rest of the file; one that ends in a comment it refuses.
    std::istringstream stream{cat(text, text.ends_with('\n') ? "#" : "\n#")};
    YAML::Parser parser(stream);
    Builder builder(document);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& refusal) {
    return refused(document.file, refusal.mark, refusal.message);
  } catch (const YAML::Exception& problem) {
    return refused(document.file, from_library(problem.mark), problem.msg);
  } catch (const std::exception& problem) {
    return refused(document.file, {1, 1}, problem.what());
  }
  return document;
}

Result<Document> load_yaml(const std::filesystem::path& path) {
  auto text = read_file(path, kBytesMax);
  if (!text) return tl::unexpected<Error>(std::move(text).error());
  return read_yaml(*text, path.string());
}

std::string problems_text(const Problems& problems, const Document& document) {
  struct Line {
    Mark mark;
    std::string text;
  };
  std::vector<Line> lines;
  for (const Problem& problem : problems.list()) {
    const Mark mark = mark_of(problem.path, document);
    // What stands in a file makes no second line.
    lines.push_back(
        {mark, one_line(cat(document.file, ":", mark.line, ":", mark.column, ": ", problem.path,
                            problem.path.empty() ? "" : " ", problem.message))});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.mark.line < b.mark.line; });
  std::string out;
  for (const Line& line : lines) out += (out.empty() ? "" : "\n") + line.text;
  return out;
}

}  // namespace panshi
