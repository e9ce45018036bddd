// SPDX-License-Identifier: Apache-2.0
// Connection: finds the controller and calls it.
//
// Found by: --controller and --token-file, else PANSHI_CONTROLLER and PANSHI_TOKEN_FILE, else the
// lab.json in the state directory, else the socket of a controller there or in kDefaultState.
// Over https:// a certificate (--certificate, PANSHI_CERTIFICATE) serves in place of a token; what
// is an option counts, and not what the environment or the lab says of the other. "unix:FILE" is a
// controller on this machine, by its socket: no token, but its user or root. One thread.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/command.h"
#include "core/base/result.h"
#include "core/io/http_client.h"

namespace panshi::cli {

// --state, else PANSHI_STATE, else ./.panshi; absolute.
std::filesystem::path state_directory(const Invocation& invocation);

class Connection {
 public:
  // kUnavailable with one line that says where it was looked for; kRefused: no token.
  static Result<Connection> find(const Invocation& invocation);
  // `tls`: who signed its certificate, and perhaps our own; for https:// alone.
  Connection(std::string url, std::string token, std::optional<TlsFiles> tls = {},
             std::optional<std::uint32_t> token_owner = {});
  static constexpr const char* kDefaultState = "/var/lib/panshi/controller";

  // Errors: kUnavailable (not reachable, or no controller), kTimeout, kRefused (the token),
  // kConflict (not now), kOver (nor later), else what the controller answered.
  Result<nlohmann::json> get(const std::string& path, Duration timeout = std::chrono::seconds(10));
  Result<nlohmann::json> post(const std::string& path, const nlohmann::json& body);
  Result<std::string> get_text(const std::string& path);

  const std::string& url() const { return url_; }

 private:
  Result<std::string> call(HttpCall call);
  Result<nlohmann::json> json_in(const std::string& answer) const;

  std::string url_;   // as people write it
  std::string base_;  // of calls
  std::filesystem::path socket_;
  std::string token_;
  std::optional<std::uint32_t> token_owner_;
  std::shared_ptr<const TlsFiles> tls_;
  std::unique_ptr<HttpClient> client_;
};

// Runs `body` with a connection; prints errors; returns the exit code.
int with_controller(Invocation& invocation, int (*body)(Invocation&, Connection&));
// Prints the error and returns its exit code.
int report_error(Invocation& invocation, const Error& error);

}  // namespace panshi::cli
