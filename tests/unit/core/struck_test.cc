// SPDX-License-Identifier: Apache-2.0
// Promise: what is never told is found in every form in which programs print it, is gone wholly
// where a text is cut, and costs time that grows with the text alone.
#include "core/base/struck.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "core/base/text.h"
#include "core/base/word_finder.h"
#include "core/io/secret.h"

namespace panshi {
namespace {

using Json = nlohmann::json;

std::string base64_of(const std::string& bytes, bool of_urls) {
  const std::string digits =
      cat("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", of_urls ? "-_" : "+/");
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      three = three << 8U | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const bool pads = i + k > bytes.size();
      out += pads ? '=' : digits[three >> (18 - 6 * k) & 63U];
    }
  }
  return out;
}

std::string everything_escaped(const std::string& text, const char* before, int width) {
  std::string out;
  for (const char c : text) {
    std::string hex = "000";
    for (const unsigned shift : {4U, 0U})
      hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> shift & 15U];
    out += before + hex.substr(hex.size() - static_cast<std::size_t>(width));
  }
  return out;
}

// With what each form writes in its own way.
const std::string kOdd = "q\"u\\o/t%41e &<k>'~ \xc3\xa4?>9";

std::string wrapped(const std::string& text, std::size_t width) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += width) out += text.substr(i, width) + "\n";
  return out;
}

TEST_CASE("a secret is struck out in every form in which programs print it") {
  never_show(kOdd);
  const auto gone = [](const std::string& form) {
    INFO(form);
    CHECK(without_secrets("before " + form + " behind") == "before (struck out) behind");
  };
  const std::string json = Json(kOdd).dump();
  const std::string in_json = json.substr(1, json.size() - 2);
  const std::string ascii = Json(kOdd).dump(-1, ' ', true);
  std::string plus = percent_encoded(kOdd);
  for (auto at = plus.find("%20"); at != std::string::npos; at = plus.find("%20")) {
    plus.replace(at, 3, "+");
  }
  gone(kOdd);
  gone(in_json);
  gone(ascii.substr(1, ascii.size() - 2));
  gone(percent_encoded(kOdd));
  gone(lower(percent_encoded(kOdd)));
  gone(plus);
  gone(everything_escaped(kOdd, "%", 2));
  gone(everything_escaped(kOdd, "\\x", 2));
  gone(everything_escaped(kOdd, "", 2));
  std::string octal;
  for (const char c : kOdd) {
    const auto byte = static_cast<unsigned>(static_cast<unsigned char>(c));
    octal += '\\';
    for (const unsigned shift : {6U, 3U, 0U}) octal += "01234567"[byte >> shift & 7U];
  }
  gone(octal);
  gone("q&quot;u\\o/t%41e &amp;&lt;k&gt;&#39;~ \xc3\xa4?&gt;9");
  // One in another.
  gone(percent_encoded(percent_encoded(kOdd)));
  gone(percent_encoded(in_json));
  const std::string twice = Json(in_json).dump();
  gone(twice.substr(1, twice.size() - 2));
  never_show("only of the plain sort 1");
  gone(everything_escaped("only of the plain sort 1", "\\u", 4));
  gone(everything_escaped("only of the plain sort 1", "\\U000000", 2));
  // What is no form of it stays.
  for (const std::string text : {"50%", "\\", "\\u12", "&amp", "%4", "a%zz\\q&nothing; b"}) {
    CHECK(without_secrets(text + " of it all") == text + " of it all");
  }
}

TEST_CASE("a secret is struck out of base64, wherever it stands in it and however it is wrapped") {
  const std::string secret = "s3cret?>?-~~0123456789";
  never_show(secret);
  for (const bool of_urls : {false, true}) {
    for (const std::string before : {"", "u", "me", "bob", "root"}) {
      for (const std::string behind : {"", "!", "!!", "!!!"}) {
        const std::string form = base64_of(before + secret + behind, of_urls);
        INFO(form);
        const std::string left = without_secrets(form);
        CHECK(left.find("(struck out)") != std::string::npos);
        // No digit is left that holds a bit of it.
        const std::string own = base64_of(before, of_urls);
        const auto whole = before.size() / 3 * 4;
        CHECK(left.size() <= std::string("(struck out)").size() + whole + 1 + 4 + 1);
        CHECK(left.substr(0, whole) == own.substr(0, whole));
        for (const std::size_t width : {4U, 5U, 7U, 76U}) {
          const std::string lines = without_secrets(wrapped(form, width));
          CHECK(lines.find("(struck out)") != std::string::npos);
          CHECK(lines.size() < form.size() / 4 + 30);
        }
      }
    }
    const std::string alone = without_secrets(base64_of(secret, of_urls));
    CHECK((alone == "(struck out)" || alone == "(struck out)==" || alone == "(struck out)="));
    const std::string sent = percent_encoded(base64_of(secret, of_urls));
    CHECK(without_secrets(sent).starts_with("(struck out)"));
  }
}

TEST_CASE("tokens that we make and private keys are struck out by their shape alone") {
  const std::string digits(64, 'a');
  CHECK(without_secrets(cat("t ", kTokenPrefix, digits, ".")) == "t (struck out).");
  CHECK(without_secrets(cat("t alice.", kTokenPrefix, digits)) == "t alice.(struck out)");
  CHECK(without_secrets(cat("t ", kTokenPrefix, digits.substr(40))) == "t (struck out)");  // cut
  CHECK(without_secrets(cat("t alice.", digits, " x")) == "t alice.(struck out) x");
  // Digests are none.
  for (const std::string& digest :
       {digits, "sha256:" + digits, "of it. " + digits, "a." + digits + "a", "a.\n" + digits}) {
    CHECK(without_secrets("x " + digest) == "x " + digest);
  }
  CHECK(without_secrets(cat("of ", kTokenPrefix, "NAME")) == cat("of ", kTokenPrefix, "NAME"));

  const std::string body = "MIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQ==\n";
  for (const std::string kind : {"", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH "}) {
    const std::string begin = cat("-----BEGIN ", kind, "PRIVATE KEY-----\n");
    const std::string end = cat("-----END ", kind, "PRIVATE KEY-----");
    INFO(kind);
    CHECK(without_secrets("a: " + begin + body + end + "\nb") == "a: (struck out)\nb");
    CHECK(without_secrets("a: " + begin + body) == "a: (struck out)");
    CHECK(without_secrets("a! " + body + end + "\nb") == "a!(struck out)\nb");
    const std::string json = Json("a: " + begin + body + end + "\nb").dump();
    CHECK(without_secrets(json) == "\"a: (struck out)\\nb\"");
    CHECK(without_secrets(begin + body + end + " and " + begin + body + end) ==
          "(struck out) and (struck out)");
  }
  const std::string certificate =
      "-----BEGIN CERTIFICATE-----\n" + body + "-----END CERTIFICATE-----\nand no PRIVATE KEY";
  CHECK(without_secrets(certificate) == certificate);
}

TEST_CASE("nothing is left of a secret that stands across a cut") {
  const std::string secret = "across-the-cut-0123456789";
  never_show(secret);
  for (const std::string& form : {secret, base64_of(secret, false), percent_encoded(secret),
                                  everything_escaped(secret, "\\u", 4)}) {
    const std::string text = "0123456789" + form + "0123456789";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      const std::string head = struck_head(text, cut);
      const std::string tail = struck_tail(text, cut);
      INFO(cut << " of " << text << ": " << head << " … " << tail);
      const std::string safe = without_secrets(text);
      CHECK(head.size() <= cut);
      CHECK(tail.size() <= cut);
      CHECK(safe.starts_with(head));
      const bool is_end = safe.ends_with(tail);
      const bool ends_struck = tail.ends_with("(struck out)");  // cut amid the form
      CHECK((is_end || ends_struck));
    }
  }
  // Far from the cut, and the part that is shown of a large text.
  const std::string filler(100'000, '.');
  CHECK(struck_tail(filler + secret + filler, 100'012) == "(struck out)" + filler);
  CHECK(struck_head(filler + secret + filler, 100'012) == filler + "(struck out)");
}

TEST_CASE("what is sent as JSON stays JSON without its secrets") {
  const std::string secret = "say \"friend\" 12345678";
  never_show(secret);
  never_show("87654321");
  never_show("nnnnnnnnn");
  const Json told = {{"a", {secret, 87654321, Json(secret).dump()}},
                     {"is " + secret, "87654321"},
                     {"line", "\nnnnnnnnn"},
                     {"cut", "-----BEGIN PRIVATE KEY-----\nMIIE"},
                     {"b", {true, nullptr, 1.5, "\\\"", ""}}};
  const Json expected = {{"a", {"(struck out)", 87654321, "\"(struck out)\""}},
                         {"is (struck out)", "(struck out)"},
                         {"line", "\nnnnnnnnn"},
                         {"cut", "(struck out)"},
                         {"b", {true, nullptr, 1.5, "\\\"", ""}}};
  CHECK(Json::parse(json_text_without_secrets(told.dump())) == expected);
  CHECK(Json::parse(json_text_without_secrets(told.dump(2))) == expected);
  CHECK(json_without_secrets(told) == expected);
  CHECK(json_without_secrets(told, true)["a"][1] == "(struck out)");
  const Json two = {{"is " + secret, 1}, {"is 87654321", 2}, {"other", 3}};
  CHECK(parse_json(json_text_without_secrets(two.dump())).value().size() == 2);
  for (const std::string broken : {"{\"a", "\"", "\"\\", "", "a\"b\\\"c"}) {
    CHECK(json_text_without_secrets(broken) == broken);
  }
}

TEST_CASE("each of many secrets is struck out, the new ones and the old") {
  for (int i = 0; i < 200; ++i) {
    never_show(cat("one-of-many-", i, "-secrets"));
    CHECK(without_secrets(cat("x one-of-many-", i, "-secrets y")) == "x (struck out) y");
    CHECK(without_secrets(cat("x one-of-many-", i / 2, "-secrets y")) == "x (struck out) y");
  }
}

TEST_CASE("words are found that overlap, contain and follow one another, the longest at each end") {
  const WordFinder finder({"abcd", "bc", "cdab", "aaaa", "aab", "d"});
  std::vector<std::string> seen;
  finder.find("xabcdabc aaaaab",
              [&](std::size_t word, std::size_t end) { seen.push_back(cat(word, "@", end)); });
  CHECK(seen == std::vector<std::string>{"1@4", "0@5", "2@7", "1@8", "3@13", "3@14", "4@15"});
  WordFinder({}).find("abc", [](std::size_t, std::size_t) { FAIL("nothing is looked for"); });
}

}  // namespace
}  // namespace panshi
