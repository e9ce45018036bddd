// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/pages/extra_pages.h"

#include "core/base/text.h"
#include "core/json/fields.h"
#include "platform/storefront/degradation/plan.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kQuestionBytesMax = 2'000;

}  // namespace

Page ExtraPages::support(Visit& visit) {
  HttpRequest request = visit.asks("GET", "/extras/chat");
  request.query["user"] = visit.visitor.user;
  Frame frame = visit.frame("/support");
  const SupportView view = {read_chat(shop_.extras(request, 2))};
  if (!view.messages) frame.problem = words(frame.language)("chat_off");
  return {.html = support_page(frame, view)};
}

Page ExtraPages::ask(Visit& visit) {
  const std::string text = field(visit.form, "text");
  Frame frame = visit.frame("/support");
  if (text.empty() || text.size() > kQuestionBytesMax) {
    return {.status = 400, .html = message_page(frame, "forbidden", "form_broken")};
  }
  HttpRequest request = visit.asks("POST", "/extras/chat");
  request.body = dump_json({{"user", visit.visitor.user}, {"text", text}});
  if (shop_.extras(request, 2).status / 100 == 2) return redirect_to("/support");
  // Nothing typed is lost: it is there to be copied into a mail.
  frame.problem = words(frame.language)("chat_unsent") + " " + text;
  return {.status = 503, .html = support_page(frame, {std::nullopt})};
}

Page ExtraPages::plan(Visit& visit) {
  const bool chinese = visit.visitor.language == Language::kChinese;
  std::vector<PlanLine> lines;
  for (const DegradationRow& row : degradation_plan()) {
    lines.push_back({row.level, chinese ? row.title.zh : row.title.en, join(row.depends_on, ", "),
                     chinese ? row.otherwise.zh : row.otherwise.en});
  }
  return {.html = plan_page(visit.frame("/degradation"), lines)};
}

}  // namespace panshi::shop
