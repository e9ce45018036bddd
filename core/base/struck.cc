// SPDX-License-Identifier: Apache-2.0
#include "core/base/struck.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "core/base/escapes.h"
#include "core/base/word_finder.h"

namespace panshi {
namespace {

constexpr std::string_view kStruckOut = "(struck out)";
constexpr std::size_t kTokenHexDigits = 64;
constexpr std::size_t kTokenHexDigitsMin = 16;  // behind the prefix: also of one that was cut
constexpr std::size_t kTwiceMax = 512;      // bytes of a secret that is found in base64 of base64
constexpr int kDepthMax = 3;                // of forms within one another
constexpr std::size_t kWindow = 256 << 10;  // bytes looked at in one go, which bounds the room

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A secret as it may stand in a text. What stands beside a part of base64 holds some of its bits.
struct Form {
  std::string text;
  bool digit_before = false;
  bool digit_behind = false;
};

bool is_base64(char c) {
  return kBase64.find(c) != std::string_view::npos || kBase64Url.find(c) != std::string_view::npos;
}

// As it stands behind `shift` bytes of something else: the digits that depend on it alone.
Form base64_form(const std::string& secret, std::size_t shift, std::string_view alphabet) {
  const std::string all = std::string(shift, '\0') + secret;
  std::string digits;
  unsigned bits = 0;
  unsigned held = 0;
  for (const char c : all) {
    held = (held << 8U | static_cast<unsigned char>(c)) & 0xffffU;
    for (bits += 8; bits >= 6; bits -= 6) digits += alphabet[held >> (bits - 6) & 63U];
  }
  return {digits.substr((shift * 8 + 5) / 6), shift > 0, bits > 0};
}

// At any place of a longer text; both alphabets, where they differ.
std::vector<Form> in_base64(const std::string& secret) {
  std::vector<Form> forms;
  for (std::size_t shift = 0; shift < 3; ++shift) {
    forms.push_back(base64_form(secret, shift, kBase64));
    Form of_urls = base64_form(secret, shift, kBase64Url);
    if (of_urls.text != forms.back().text) forms.push_back(std::move(of_urls));
  }
  return forms;
}

std::string in_hex(const std::string& secret, std::string_view digits) {
  std::string hex;
  for (const char c : secret) {
    hex += digits[static_cast<unsigned char>(c) >> 4U];
    hex += digits[static_cast<unsigned char>(c) & 15U];
  }
  return hex;
}

std::vector<Form> forms_of(const std::string& secret) {
  std::vector<Form> forms = {{secret}};
  if (secret.find(' ') != std::string::npos) {  // as forms of HTML send it
    forms.push_back({secret});
    std::replace(forms.back().text.begin(), forms.back().text.end(), ' ', '+');
  }
  // Undone with the escapes around it.
  std::string plain = secret;
  for (int depth = 0; depth < kDepthMax; ++depth) {
    std::string next = unescaped(plain);
    if (next == plain || next.size() < kSecretMin) break;
    forms.push_back({next});
    plain = std::move(next);
  }
  for (const std::string_view digits : {"0123456789abcdef", "0123456789ABCDEF"}) {
    forms.push_back({in_hex(secret, digits)});
  }
  std::vector<Form> digits = in_base64(secret);
  if (secret.size() <= kTwiceMax) {
    for (const Form& once : in_base64(secret))
      std::ranges::move(in_base64(once.text), std::back_inserter(digits));
  }
  std::ranges::move(digits, std::back_inserter(forms));
  return forms;
}

std::vector<std::string> texts_of(const std::vector<Form>& forms) {
  std::vector<std::string> texts;
  for (const Form& form : forms) texts.push_back(form.text);
  return texts;
}

template <class Secrets>
std::vector<Form> forms_of_all(const Secrets& secrets) {
  std::vector<Form> forms;
  for (const std::string& secret : secrets)
    std::ranges::move(forms_of(secret), std::back_inserter(forms));
  return forms;
}

class Matcher {
 public:
  template <class Secrets>
  explicit Matcher(const Secrets& secrets)
      : forms_(forms_of_all(secrets)), finder_(texts_of(forms_)) {}

  void find(std::string_view text, std::vector<Span>& spans) const {
    if (forms_.empty()) return;
    finder_.find(text, [&](std::size_t word, std::size_t end) {
      const Form& form = forms_[word];
      Span span{end - form.text.size(), end};
      if (form.digit_before && span.begin > 0 && is_base64(text[span.begin - 1])) --span.begin;
      if (form.digit_behind && end < text.size() && is_base64(text[end])) ++span.end;
      spans.push_back(span);
    });
  }

 private:
  std::vector<Form> forms_;
  WordFinder finder_;
};

// All that never_show() was given. Those that came last have a matcher of their own, so that each
// new one of a thousand does not cost the work for all of them.
class Registry {
 public:
  using Matchers = std::vector<std::shared_ptr<const Matcher>>;

  void add(const std::string& secret) {
    if (secret.size() < kSecretMin) return;
    const std::lock_guard lock(mutex_);
    if (!all_.insert(secret).second) return;
    recent_.push_back(secret);
    if (recent_.size() > kRecentMax) {
      recent_.clear();
      settled_ = std::make_shared<const Matcher>(all_);
    }
    newest_ = std::make_shared<const Matcher>(recent_);
  }
  Matchers matchers() const {
    const std::lock_guard lock(mutex_);
    Matchers all;
    for (const auto& each : {settled_, newest_}) {
      if (each) all.push_back(each);
    }
    return all;
  }
  bool knows(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    return all_.contains(text);
  }

 private:
  static constexpr std::size_t kRecentMax = 32;
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> all_;
  std::vector<std::string> recent_;
  std::shared_ptr<const Matcher> settled_;
  std::shared_ptr<const Matcher> newest_;
};

Registry& registry() {
  static Registry& kRegistry = *new Registry;  // also for threads that outlive main()
  return kRegistry;
}

std::size_t hex_digits_at(std::string_view text, std::size_t at) {
  const auto end = text.find_first_not_of("0123456789abcdef", at);
  return std::min(end, text.size()) - at;
}

// Of files, by their prefix; of `panshi token create` before there was one, by `NAME.` and the
// number of digits. A digest alone looks like a token without either, and is none.
void find_tokens(std::string_view text, std::vector<Span>& spans) {
  for (auto at = text.find(kTokenPrefix); at != std::string_view::npos;) {
    const std::size_t digits = at + kTokenPrefix.size();
    const std::size_t end = digits + hex_digits_at(text, digits);
    if (end - digits >= kTokenHexDigitsMin) spans.push_back({at, end});
    at = text.find(kTokenPrefix, end);
  }
  const auto is_of_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  for (auto at = text.find('.'); at != std::string_view::npos;) {
    const std::size_t end = at + 1 + hex_digits_at(text, at + 1);
    const bool ends = end == text.size() || !is_of_name(text[end]);
    if (end - at - 1 == kTokenHexDigits && ends && at > 0 && is_of_name(text[at - 1])) {
      spans.push_back({at + 1, end});
    }
    at = text.find('.', end);
  }
}

// Where `marker` begins, if nothing but words of a label follows it.
std::size_t marker_in(std::string_view label, std::string_view marker) {
  const auto at = label.rfind(marker);
  if (at == std::string_view::npos) return at;
  const std::string_view words = label.substr(at + marker.size());
  constexpr std::string_view kOfLabel = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ";
  return words.find_first_not_of(kOfLabel) == std::string_view::npos ? at : std::string_view::npos;
}

// From "-----BEGIN … PRIVATE KEY" to the end of its END line. Where one of the two was cut off,
// what may belong to it.
void find_private_keys(std::string_view text, std::vector<Span>& spans) {
  constexpr std::string_view kName = "PRIVATE KEY";
  constexpr std::string_view kDashes = "-----";
  constexpr std::size_t kLabelMax = 40;  // "-----BEGIN ENCRYPTED PRIVATE KEY", and longer ones
  constexpr std::string_view kOfKey =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n\\:,- \t";
  std::size_t done = 0;
  const auto behind_dashes = [&](std::size_t at) {
    const auto dashes = text.substr(0, std::min(text.size(), at + kLabelMax)).find(kDashes, at);
    return dashes == std::string_view::npos ? at : dashes + kDashes.size();
  };
  for (auto name = text.find(kName); name != std::string_view::npos;) {
    const std::size_t from = std::max(done, name - std::min(name, kLabelMax));
    const std::string_view label = text.substr(from, name - from);
    const auto begin = marker_in(label, "-----BEGIN ");
    const auto end = marker_in(label, "-----END ");
    std::size_t next = name + kName.size();
    if (begin != std::string_view::npos) {
      const std::size_t last = std::min(text.size(), next + kSecretReach);
      const auto closing = text.substr(0, last).find("-----END ", next);
      next = closing == std::string_view::npos ? last : behind_dashes(closing + kDashes.size());
      spans.push_back({from + begin, next});
    } else if (end != std::string_view::npos) {
      const std::string_view before = text.substr(done, from + end - done);
      const auto other = before.find_last_not_of(kOfKey);
      next = behind_dashes(next);
      spans.push_back({other == std::string_view::npos ? done : done + other + 1, next});
    }
    done = next;
    name = text.find(kName, next);
  }
}

// In the whole text, each as often as it is found.
std::vector<Span> secrets_in(std::string_view text, const Registry::Matchers& matchers) {
  std::vector<Span> spans;
  std::vector<Span> found;
  const auto take = [&](const MappedText& view) {
    for (const Span& span : found) {
      spans.push_back({view.begins[span.begin], view.ends[span.end - 1]});
    }
    found.clear();
  };
  const auto find = [&](std::string_view in, bool shapes) {
    for (const auto& matcher : matchers) matcher->find(in, found);
    if (!shapes) return;
    find_tokens(in, found);
    find_private_keys(in, found);
  };
  find(text, true);
  spans.swap(found);
  if (text.find_first_of("\r\n%\\&") == std::string_view::npos) return spans;  // as most are
  MappedText view = MappedText::of(text);
  MappedText other;
  for (int depth = 0; depth <= kDepthMax; ++depth) {
    if (depth > 0) {
      find(view.text, true);
      take(view);
    }
    if (unwrap(view, other)) {
      find(other.text, false);
      take(other);
    }
    if (!unescape(view, other)) break;
    view = std::move(other);
  }
  return spans;
}

// In order, none over another.
std::vector<Span> merged(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.begin < b.begin; });
  std::vector<Span> out;
  for (const Span& span : spans) {
    if (!out.empty() && span.begin < out.back().end) {
      out.back().end = std::max(out.back().end, span.end);
    } else {
      out.push_back(span);
    }
  }
  return out;
}

// text[from, to), with what of a secret is within struck out. REQUIRES: kSecretReach bytes, or all
// that there are, around it.
std::string struck(std::string_view text, std::size_t from, std::size_t to) {
  if (text.size() < kSecretMin) return std::string(text.substr(from, to - from));
  const auto matchers = registry().matchers();
  std::vector<Span> all;
  for (std::size_t at = 0; at < text.size(); at += kWindow) {
    const std::size_t begin = at - std::min(at, kSecretReach);
    const std::size_t size = std::min(text.size(), at + kWindow) - begin;
    for (const Span& span : secrets_in(text.substr(begin, size), matchers)) {
      all.push_back({begin + span.begin, begin + span.end});
    }
  }
  std::string out;
  std::size_t done = from;
  for (const Span& span : merged(std::move(all))) {
    if (span.end <= from || span.begin >= to) continue;
    if (span.begin > done) out += text.substr(done, span.begin - done);
    out += kStruckOut;
    done = std::min(span.end, to);
  }
  return out.append(text.substr(done, to - done));
}

}  // namespace

void never_show(const std::string& secret) { registry().add(secret); }

bool is_never_shown(std::string_view text) { return registry().knows(text); }

std::string without_secrets(std::string_view text) { return struck(text, 0, text.size()); }

std::string struck_head(std::string_view text, std::size_t size_max) {
  const std::size_t size = std::min(text.size(), size_max);
  return struck(text.substr(0, size + kSecretReach), 0, size).substr(0, size_max);
}

std::string struck_tail(std::string_view text, std::size_t size_max) {
  const std::size_t size = std::min(text.size(), size_max);
  const std::size_t around = std::min(text.size() - size, kSecretReach);
  text.remove_prefix(text.size() - size - around);
  std::string out = struck(text, around, text.size());
  return out.size() <= size_max ? out : out.substr(out.size() - size_max);
}

}  // namespace panshi
