// SPDX-License-Identifier: Apache-2.0
#include "agents/helpers/dns_message.h"

#include <algorithm>
#include <cctype>

namespace panshi::agent {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kNameMax = 255;
constexpr unsigned kIsAnswer = 0x80;      // of byte 2
constexpr unsigned kWantsMore = 0x01;     // of byte 2: recursion desired
constexpr unsigned kHasMore = 0x80;       // of byte 3: recursion available
constexpr std::uint32_t kTtlSeconds = 1;  // gone soon after the fault

unsigned byte(const std::string& text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}
std::uint16_t number(const std::string& text, std::size_t at) {
  return static_cast<std::uint16_t>(byte(text, at) << 8 | byte(text, at + 1));
}
void append(std::string& text, std::uint32_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    text += static_cast<char>(value >> shift & 0xff);
  }
}

}  // namespace

std::optional<DnsQuestion> read_question(const std::string& query) {
  if (query.size() < kHeader || (byte(query, 2) & kIsAnswer) != 0 || number(query, 4) != 1) {
    return std::nullopt;
  }
  DnsQuestion question;
  std::size_t at = kHeader;
  while (at < query.size() && byte(query, at) != 0) {
    const std::size_t length = byte(query, at);
    if (length > kLabelMax || at + 1 + length > query.size()) return std::nullopt;
    if (!question.name.empty()) question.name += '.';
    question.name += query.substr(at + 1, length);
    if (question.name.size() > kNameMax) return std::nullopt;
    at += 1 + length;
  }
  if (at + 5 > query.size()) return std::nullopt;
  std::transform(question.name.begin(), question.name.end(), question.name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  question.type = number(query, at + 1);
  question.end = at + 5;
  return question;
}

std::string make_answer(const std::string& query, const DnsQuestion& question, DnsCode code,
                        const std::string& address) {
  const bool fits = (question.type == kTypeA && address.size() == 4) ||
                    (question.type == kTypeAaaa && address.size() == 16);
  std::string answer = query.substr(0, 2);
  append(answer, kIsAnswer | (byte(query, 2) & kWantsMore), 1);
  append(answer, kHasMore | static_cast<unsigned>(code), 1);
  append(answer, 1, 2);
  append(answer, fits ? 1 : 0, 2);
  append(answer, 0, 4);  // neither authority nor additional records
  answer += query.substr(kHeader, question.end - kHeader);
  if (!fits) return answer;
  append(answer, 0xc000 | kHeader, 2);  // the name: as in the question
  append(answer, question.type, 2);
  append(answer, 1, 2);  // IN
  append(answer, kTtlSeconds, 4);
  append(answer, static_cast<std::uint32_t>(address.size()), 2);
  return answer + address;
}

bool is_under(const std::string& name, const std::vector<std::string>& names) {
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& each) {
           return name == each || name.ends_with("." + each);
         });
}

}  // namespace panshi::agent
