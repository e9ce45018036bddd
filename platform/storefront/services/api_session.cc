// SPDX-License-Identifier: Apache-2.0
#include "platform/storefront/services/api_session.h"

#include <utility>

#include "core/io/files.h"
#include "core/json/fields.h"
#include "platform/storefront/base/cookies.h"
#include "platform/storefront/base/serve.h"

namespace panshi::shop {
namespace {

constexpr std::size_t kBodyMax = 4'096;  // as its readers have it (order.cc)

// False when it names another one. What cannot be read is left to who answers it.
bool name_user(HttpRequest& request, const std::string& user) {
  if (request.method == "GET") {
    const auto [named, is_new] = request.query.emplace("user", user);
    return is_new || named->second == user;
  }
  auto json = parse_json(request.body, kBodyMax);
  if (!json || !json->is_object()) return true;
  if (const auto named = json->find("user"); named != json->end()) return *named == user;
  (*json)["user"] = user;
  request.body = dump_json(*json);
  return true;
}

}  // namespace

HttpServer::Handler for_session(std::string key, HttpServer::Handler handler) {
  return [key = std::move(key), handler = std::move(handler)](const HttpRequest& request) {
    const auto user = session_in(request.header("cookie"), key);
    if (!user) {
      return refusal(401, "no_session", "needs the cookie `user`, which GET /api/products gives");
    }
    HttpRequest own = request;
    if (!name_user(own, *user)) {
      return refusal(403, "other_user", "`user` is not the one of the session");
    }
    return handler(own);
  };
}

HttpResponse with_session(HttpResponse response, const HttpRequest& request,
                          const std::string& key) {
  if (session_in(request.header("cookie"), key)) return response;
  const auto random = random_token();
  if (!random) return response;  // the next answer has one
  response.cookies.push_back(
      session_line(session_of(new_user(*random), key), came_over_tls(request)));
  return response;
}

}  // namespace panshi::shop
