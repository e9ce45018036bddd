// SPDX-License-Identifier: Apache-2.0
// The session of who calls the JSON API: the user is whom the shop signed (cookies.h), not who the
// request says. Nobody orders, pays or looks as another, or makes a user up. Any thread.
#pragma once

#include <string>

#include "core/io/http_server.h"

namespace panshi::shop {

// A handler for callers with a session of ours, else 401 `no_session`. The handler's request names
// its user in the query (GET) or the JSON body; one that named somebody else is 403 `other_user`.
HttpServer::Handler for_session(std::string key, HttpServer::Handler handler);

// Adds a new session to the answer, unless the caller has one.
HttpResponse with_session(HttpResponse response, const HttpRequest& request,
                          const std::string& key);

}  // namespace panshi::shop
