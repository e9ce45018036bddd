// SPDX-License-Identifier: Apache-2.0
#include "agents/faults/resource/disk_fill.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agents/faults/effect.h"
#include "agents/faults/node_target.h"
#include "agents/faults/resource/reserves.h"
#include "core/base/text.h"
#include "core/io/strict_path.h"

namespace panshi::agent {
namespace {

constexpr double kTolerancePercent = 1;  // others write and remove meanwhile

class DiskFill final : public Fault {
 public:
  DiskFill(const FaultRequest& request, Host& host) : request_(request), host_(host) {}

  Result<nlohmann::json> resolve() override {
    if (auto ours = check_node(request_, host_); !ours) return tl::unexpected<Error>(ours.error());
    ASSIGN_OR_RETURN(const auto folder, allowed_path(request_.text("directory"), host_));
    ASSIGN_OR_RETURN(const Room room, host_.machine().disk(folder));
    const double wanted = request_.percent("percent") / 100 * static_cast<double>(room.total);
    const std::int64_t size = static_cast<std::int64_t>(wanted) - (room.total - room.available);
    if (size <= 0) {
      return fail(ErrorCode::kRefused, cat("it is fuller than that: ", size_text(room.available),
                                           " of ", size_text(room.total), " are free"));
    }
    if (auto spared = spare_disk(host_.machine(), folder, size); !spared) {
      return tl::unexpected<Error>(spared.error());
    }
    return nlohmann::json{{"file", own_file(folder, request_, host_).string()}, {"size", size}};
  }

  Status apply(const nlohmann::json& resolved) override {
    const auto path = resolved.at("file").get<std::string>();
    ASSIGN_OR_RETURN(const int file, open_strictly(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
    const int result = ::fallocate(file, 0, 0, resolved.at("size").get<std::int64_t>());
    const Status status = result == 0 ? Status() : failed(path);
    ::close(file);
    return status;
  }

  Status revert(const nlohmann::json& resolved) override {
    return remove_strictly(resolved.at("file").get<std::string>());
  }

  nlohmann::json measure(const nlohmann::json& resolved) const override {
    const std::filesystem::path file = resolved.at("file").get<std::string>();
    nlohmann::json json = nlohmann::json::object();
    const auto room = host_.machine().disk(file.parent_path());
    if (!room || room->total <= 0) return json;
    const auto used = static_cast<double>(room->total - room->available);
    add_effect(json, {.what = "disk full",
                      .unit = "%",
                      .asked = request_.percent("percent"),
                      .measured = 100 * used / static_cast<double>(room->total),
                      .tolerance = kTolerancePercent});
    return json;
  }

 private:
  static Status failed(const std::string& path) {
    return fail(ErrorCode::kUnavailable, cat(path, ": ", std::string(std::strerror(errno))));
  }

  const FaultRequest request_;
  Host& host_;
};

}  // namespace

std::unique_ptr<Fault> make_disk_fill(const FaultRequest& request, Host& host) {
  return std::make_unique<DiskFill>(request, host);
}

}  // namespace panshi::agent
