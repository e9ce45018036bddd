// SPDX-License-Identifier: Apache-2.0
// panshi tls …: the certificates of controller, agents and people. Needs no controller.
#include "cli/exit_codes.h"
#include "cli/show.h"
#include "core/base/text.h"
#include "core/pki/authority.h"

namespace panshi::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kAuthority = "authority";
// Trying again later helps with none of them.
int tls_error(Invocation& i, Error error) {
  if (error.code == ErrorCode::kConflict || error.code == ErrorCode::kUnavailable) {
    error.code = ErrorCode::kInvalid;
  }
  return report_error(i, error);
}

constexpr Duration kDay = std::chrono::hours(24);
constexpr std::int64_t kSoonDays = 30;

std::filesystem::path folder(const Invocation& i) {
  return i.text("--dir", Authority::kDefaultFolder);
}

// The day that has begun counts: a year has 365 when it was just issued.
std::int64_t days_left(const TlsCertificate& about) {
  const Duration left = about.until - wall_now();
  return left <= Duration(0) ? left / kDay : (left + kDay - Duration(1)) / kDay;
}

Json issued_json(const Authority::Issued& issued) {
  if (!issued.problem.empty()) {
    return {{"certificate", issued.certificate.string()}, {"problem", issued.problem}};
  }
  return {{"who", issued.about.peer},
          {"names", issued.about.names},
          {"serial", issued.about.serial},
          {"from_us", issued.about.from.time_since_epoch().count()},
          {"until_us", issued.about.until.time_since_epoch().count()},
          {"days_left", days_left(issued.about)},
          {"revoked", issued.revoked},
          {"certificate", issued.certificate.string()},
          {"key", issued.key.string()}};
}

int say_issued_person(Invocation& i, const Authority::Issued& issued, const TlsFiles& files) {
  const std::string name = issued.about.peer.substr(issued.about.peer.find('/') + 1);
  i.terminal.line(cat(issued.about.peer, " may prove who it is for ", days_left(issued.about),
                      " days. Give it ", files.certificate.string(), ", its key ",
                      files.key.string(), " and ", files.authority.string(), ":"));
  i.terminal.line(cat("panshi status --controller https://… --authority ",
                      files.authority.filename().string(), " --certificate ",
                      files.certificate.filename().string()));
  i.terminal.line(
      cat("what it may, the controller's configuration says: users: {", name, ": operator}"));
  return kPass;
}

// What to write into a configuration, which is what one wants to know next.
int say_issued(Invocation& i, const Authority& authority, const Authority::Issued& issued) {
  const TlsFiles files = authority.files_of(issued.about.peer);
  if (i.json) {
    Json json = issued_json(issued);
    json["authority"] = files.authority.string();
    json["revoked_list"] = files.revoked.string();
    i.terminal.document(json);
    return kPass;
  }
  if (issued.about.peer.starts_with("user/")) return say_issued_person(i, issued, files);
  i.terminal.line(cat(issued.about.peer, " may prove who it is for ", days_left(issued.about),
                      " days. Copy these to its host, the key readable by its owner alone:"));
  i.terminal.line("tls:");
  i.terminal.line(cat("  certificate: ", issued.certificate.string()));
  i.terminal.line(cat("  key: ", issued.key.string()));
  i.terminal.line(cat("  authority: ", files.authority.string()));
  i.terminal.line(cat("  revoked: ", files.revoked.string()));
  return kPass;
}

int init(Invocation& i) {
  const auto made = Authority::create(folder(i), wall_now());
  if (!made) return tls_error(i, made.error());
  const std::string place = std::filesystem::absolute(folder(i)).lexically_normal().string();
  if (i.json) {
    i.terminal.document({{"folder", place}, {"days_left", days_left(made->certificate())}});
    return kPass;
  }
  i.terminal.line(cat("an authority is in ", place, "; keep ca.key off the hosts that serve"));
  i.terminal.line(cat("next: ", made->command("issue controller/main --name 10.0.0.9")));
  return kPass;
}

// Opens the authority and does with it what `act` does.
template <class Act>
int with_authority(Invocation& i, Act act) {
  auto authority = Authority::open(folder(i));
  if (!authority) return tls_error(i, authority.error());
  const Result<Authority::Issued> issued = act(*authority);
  if (!issued) return tls_error(i, issued.error());
  return say_issued(i, *authority, *issued);
}

std::optional<Duration> valid_for(const Invocation& i) {
  if (!i.has("--days")) return std::nullopt;
  return kDay * *i.integer("--days");
}

int issue(Invocation& i) {
  return with_authority(i, [&](Authority& authority) -> Result<Authority::Issued> {
    ASSIGN_OR_RETURN(Authority::Subject subject, Authority::read_subject(i.text("who")));
    subject.names = i.texts("--name");
    return authority.issue(subject, wall_now(), valid_for(i));
  });
}

int renew_itself(Invocation& i) {
  if (i.has("--days") || i.has("--name")) {
    return tls_error(i, {ErrorCode::kInvalid,
                         "--name and --days are not for the authority: it has no names, and is "
                         "good for ten years"});
  }
  auto authority = Authority::open(folder(i));
  if (!authority) return tls_error(i, authority.error());
  if (auto renewed = authority->renew_itself(wall_now()); !renewed)
    return tls_error(i, renewed.error());
  const TlsCertificate about = authority->certificate();
  if (i.json) {
    i.terminal.document({{"who", kAuthority}, {"days_left", days_left(about)}});
    return kPass;
  }
  i.terminal.line(cat("the authority is good until ", utc_minute(about.until),
                      ", with the key it had: all that it signed stays good"));
  i.terminal.line(cat("copy ", (folder(i) / "ca.crt").string(),
                      " to every host, and to whoever has it for --authority"));
  return kPass;
}

int renew(Invocation& i) {
  if (i.text("who") == kAuthority) return renew_itself(i);
  return with_authority(i, [&](Authority& authority) {
    return authority.renew(i.text("who"), wall_now(), valid_for(i), i.texts("--name"));
  });
}

int revoke(Invocation& i) {
  auto authority = Authority::open(folder(i));
  if (!authority) return tls_error(i, authority.error());
  const auto revoked = authority->revoke(i.text("who"), wall_now());
  if (!revoked) return tls_error(i, revoked.error());
  if (i.json) {
    i.terminal.document(issued_json(*revoked));
    return kPass;
  }
  i.terminal.line(cat(revoked->about.peer, " is revoked. A host refuses it once it has the new ",
                      authority->files_of(revoked->about.peer).revoked.string(),
                      ", which is read at the next connection"));
  return kPass;
}

std::string state_of(const Authority& authority, const TlsCertificate& about,
                     const std::string& who) {
  const std::string renew = authority.command("renew " + who);
  if (about.until <= wall_now()) return "expired: " + renew;
  if (days_left(about) <= kSoonDays) return "expires soon: " + renew;
  return "good";
}
std::string state_of(const Authority& authority, const Authority::Issued& each) {
  if (!each.problem.empty()) return each.problem;
  if (each.revoked) return "revoked";
  return state_of(authority, each.about, each.about.peer);
}

int show(Invocation& i) {
  const auto authority = Authority::open(folder(i));
  if (!authority) return tls_error(i, authority.error());
  const auto issued = authority->issued();
  if (!issued) return tls_error(i, issued.error());
  if (i.json) {
    Json list = Json::array();
    for (const auto& each : *issued) list.push_back(issued_json(each));
    i.terminal.document(
        {{"issued", list}, {"authority_days_left", days_left(authority->certificate())}});
    return kPass;
  }
  std::vector<std::vector<std::string>> rows = {{"WHO", "NAMES", "DAYS LEFT", "STATE"}};
  const TlsCertificate own = authority->certificate();
  rows.push_back({kAuthority, "", cat(days_left(own)), state_of(*authority, own, kAuthority)});
  for (const auto& each : *issued) {
    const bool known = each.problem.empty();
    rows.push_back({known ? each.about.peer : one_line(each.certificate.filename().string()),
                    join(each.about.names, ", "),
                    known ? cat(days_left(each.about)) : std::string(),
                    state_of(*authority, each)});
  }
  i.terminal.line(printable(table(rows)));
  return kPass;
}

const Argument kFolder = {"--dir", "DIR", "folder of the authority (default: tls)"};
const Argument kWho = {"who", "ROLE/NAME", "node/n-1, controller/main or user/alice", true};
const Argument kDays = {"--days", "N",  "how long it is valid (default: 365)", false, false,
                        1,        3'650};
const Argument kName = {"--name", "NAME",
                        "a host name or address it is reached at; may be repeated", false, true};

}  // namespace

std::vector<Command> tls_commands() {
  return {
      {"tls",
       "init",
       "Make an authority, which signs the certificates of all others.",
       "panshi tls init --dir /root/panshi-tls",
       {kFolder},
       init},
      {"tls",
       "issue",
       "Make a key and a certificate for a node, a controller or a person.",
       "panshi tls issue node/n-1 --name 10.0.0.1",
       {kWho, kName, kDays, kFolder},
       issue},
      {"tls",
       "show",
       "List what was issued, and how long that and the authority are valid.",
       "panshi tls show",
       {kFolder},
       show},
      {"tls",
       "renew",
       "Make a new key and certificate, for the same names or other ones.",
       "panshi tls renew node/n-1",
       {{"who", "ROLE/NAME", "node/n-1, controller/main, user/alice; or authority, itself", true},
        {"--name", "NAME", "in place of the names it had; may be repeated", false, true},
        kDays,
        kFolder},
       renew},
      {"tls",
       "revoke",
       "Have a certificate refused before its time.",
       "panshi tls revoke user/alice",
       {kWho, kFolder},
       revoke},
  };
}

}  // namespace panshi::cli
