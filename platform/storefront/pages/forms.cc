// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/forms.h"

#include "core/base/text.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kFieldsMax = 32;

Result<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%') {
      const auto code = percent_code(text.substr(i));
      if (!code) return fail(ErrorCode::kInvalid, "a broken % in a form");
      out += *code;
      i += 2;
    } else {
      out += text[i];
    }
  }
  if (out.find('\0') != std::string::npos) return fail(ErrorCode::kInvalid, "a NUL in a form");
  return out;
}

}  // namespace

Result<Form> parse_form(std::string_view body) {
  Form form;
  if (body.empty()) return form;
  const auto pieces = split(body, '&');
  if (pieces.size() > kFieldsMax) return fail(ErrorCode::kInvalid, "too many fields in a form");
  for (const std::string_view piece : pieces) {
    const std::size_t equals = piece.find('=');
    ASSIGN_OR_RETURN(const std::string name, decoded(piece.substr(0, equals)));
    ASSIGN_OR_RETURN(
        const std::string value,
        decoded(equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1)));
    form.emplace(name, value);
  }
  return form;
}

std::string field(const Form& form, const std::string& name) {
  const auto found = form.find(name);
  return found == form.end() ? std::string() : found->second;
}

bool is_cross_site(const HttpRequest& request) {
  const std::string from = request.header("sec-fetch-site");
  return !from.empty() && from != "same-origin" && from != "none";
}

}  // namespace panshi::shop
