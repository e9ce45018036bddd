// SPDX-License-Identifier: Apache-2.0
#include "controller/app.h"

#include <mutex>
#include <optional>
#include <set>

#include "controller/api/api.h"
#include "controller/events/event_data.h"
#include "controller/fleet/fleet.h"
#include "controller/journal/sqlite_journal.h"
#include "controller/limits.h"
#include "controller/loop/loop.h"
#include "controller/notify/errands.h"
#include "controller/notify/notifier.h"
#include "controller/reports.h"
#include "controller/signals/signal_store.h"
#include "core/access/access.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/local_socket.h"
#include "core/io/log.h"
#include "core/io/private_folder.h"
#include "core/io/trusted_path.h"
#include "core/json/fields.h"

namespace panshi::controller {
namespace {

std::vector<Fleet::Agent> agents_of(const Inventory& inventory) {
  std::vector<Fleet::Agent> agents;
  for (const auto& [name, node] : inventory.nodes) {
    agents.push_back({.node = name, .url = node.url, .token_file = node.token_file});
  }
  return agents;
}

// What differs and is read at start alone.
std::vector<std::string> needs_restart(const Config& now, const Config& next) {
  std::vector<std::string> keys;
  const auto compare = [&](const char* key, bool same) {
    if (!same) keys.emplace_back(key);
  };
  compare("address", now.address == next.address);
  compare("port", now.port == next.port);
  compare("tls", now.security == next.security);
  compare("state", now.state == next.state);
  compare("lease", now.settings.lease == next.settings.lease);
  compare("poll", now.poll == next.poll);
  compare("agent_lost_after", now.settings.agent_lost_after == next.settings.agent_lost_after);
  compare("late_bound", now.settings.late_bound == next.settings.late_bound);
  return keys;
}

std::unique_ptr<Fleet> make_fleet(const Config& config, std::map<std::string, AgentCursor> cursors,
                                  std::shared_ptr<const Tls> tls, std::string identity,
                                  std::string start, bool takes_over, Fleet::Parts parts) {
  Fleet::Options options{.agents = agents_of(config.inventory),
                         .cursors = std::move(cursors),
                         .controller = std::move(identity),
                         .start = std::move(start),
                         .listens_at = cat(config.address, ":", config.port),
                         .takes_over = takes_over,
                         .tls = std::move(tls),
                         .lease = config.settings.lease,
                         .poll = config.poll,
                         .lost_after = config.settings.agent_lost_after};
  return std::make_unique<Fleet>(std::move(options), std::move(parts));
}

Result<HttpResponse> rendered(const Reports& reports, const std::string& drill,
                              const std::string& format) {
  ASSIGN_OR_RETURN(const Report report, reports.make(drill));
  if (format == "json") return json_response(report_json(report));
  if (format == "md") {
    return HttpResponse{.body = report_markdown(report), .content_type = "text/markdown"};
  }
  if (format == "html") {
    return HttpResponse{.body = report_html(report), .content_type = "text/html; charset=utf-8"};
  }
  return fail(ErrorCode::kInvalid, cat("format must be md, html or json, not `", format, "`"));
}

}  // namespace

// In the order of starting; members end in the reverse order.
struct App::Impl {
  Impl(Config given, Parts parts_given) : config(std::move(given)), parts(std::move(parts_given)) {}
  ~Impl();

  Status open_files();
  void start_parts(std::map<std::string, AgentCursor> cursors);
  Status start_api();
  std::shared_ptr<Access> doorman();
  void carry_out(const Effect& effect);
  bool deliver(Letter letter);
  std::vector<Effect> last_effects() const;

  Result<nlohmann::json> reload();
  void learn(const AgentState& agent);

  const Config config;
  const Parts parts;
  Snapshot<Catalog> catalog{parts.catalog};  // what the API shows; the loop has the same
  std::mutex reloading;
  Snapshot<AgentOffers> said{AgentOffers()};  // by the agents; written by the thread `fleet`
  Feed feed;
  std::optional<LockFile> lock;
  std::string token;
  std::shared_ptr<TokenBook> tokens;
  std::shared_ptr<AuditLog> audit;
  std::shared_ptr<Access> access;
  std::map<std::string, Rights> users;  // guarded by `reloading` once it runs
  std::shared_ptr<Tls> tls;
  std::string identity;  // of this state directory, to agents
  std::string start;     // of this run: a copy of the directory is not us
  std::unique_ptr<Journal> journal;
  std::unique_ptr<JournalReader> reader;
  std::unique_ptr<SignalStore> signals;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Reports> reports;
  std::unique_ptr<Errands> errands;
  std::unique_ptr<Fleet> fleet;
  std::unique_ptr<Api> api;
  std::unique_ptr<HttpServer> server;
};

App::App(Config config, Parts parts)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(parts))) {}
App::~App() = default;

App::Impl::~Impl() {
  feed.close();  // lets the API's long polls go
  if (server) server->stop();
  if (fleet) fleet->stop();
}

Status App::open() {
  Impl& app = *impl_;
  if (auto opened = app.open_files(); !opened) return opened;
  app.loop = std::make_unique<Loop>(
      Loop::Options{.late_bound = app.config.settings.late_bound,
                    .nodes = app.config.inventory.node_names(),
                    .version = app.parts.version,
                    .epoch_above = app.parts.epoch_above,
                    .ids_above = app.parts.ids_above},
      Loop::Parts{.brain = app.parts.brain,
                  .journal = *app.journal,
                  .feed = app.feed,
                  .clock = app.parts.clock,
                  .carry_out = [&app](const Effect& effect) { app.carry_out(effect); }});
  if (auto recovered = app.loop->recover(); !recovered) return recovered;
  ASSIGN_OR_RETURN(auto cursors, app.journal->cursors());
  app.start_parts(std::move(cursors));
  return app.start_api();
}

Status App::Impl::open_files() {
  if (auto made = make_private_folder(config.state, "controller.lock"); !made) return made;
  if (auto ours = check_trusted(config.state); !ours) return ours;
  ASSIGN_OR_RETURN(lock, LockFile::acquire(config.state / "controller.lock"));
  ASSIGN_OR_RETURN(token, load_or_make_token(config.state / "controller.token"));
  ASSIGN_OR_RETURN(tokens, TokenBook::open(config.state / "tokens.json"));
  ASSIGN_OR_RETURN(audit, AuditLog::open(config.state));
  ASSIGN_OR_RETURN(tls, load_tls(config.security, "controller/", wall_now()));
  ASSIGN_OR_RETURN(identity, load_or_make_token(config.state / "controller.id", ""));
  ASSIGN_OR_RETURN(start, random_token());
  ASSIGN_OR_RETURN(journal, open_sqlite_journal(config.state / "journal.sqlite"));
  ASSIGN_OR_RETURN(reader, open_sqlite_journal_reader(config.state / "journal.sqlite"));
  ASSIGN_OR_RETURN(signals, SignalStore::open(config.state / "signals.sqlite",
                                              {.age_max = limits::kSampleAgeMax,
                                               .rows_max = limits::kSampleRowsMax,
                                               .buffer_max = limits::kSampleBufferMax,
                                               .series_max = limits::kSeriesMax,
                                               .series_of_node_max = limits::kSeriesOfNodeMax}));
  return {};
}

void App::Impl::start_parts(std::map<std::string, AgentCursor> cursors) {
  reports = std::make_unique<Reports>(*reader, *signals, config.state / "reports");
  const auto to_loop = [this](Letter letter) { return deliver(std::move(letter)); };
  std::map<EffectKind, Errands::Handler> handlers;
  handlers[EffectKind::kReport] = [this](const Effect& effect) {
    return reports->write(effect.body.value("drill", ""));
  };
  handlers[EffectKind::kNotify] = [this](const Effect& effect) -> Result<nlohmann::json> {
    const Notification notification{.channel = effect.body.value("channel", ""),
                                    .message = effect.body.value("message", ""),
                                    .page = effect.body.value("page", false)};
    auto sent = Notifier(config.state).send(notification, loop->clock().now());
    if (!sent) return tl::unexpected(sent.error());
    return nlohmann::json::object();
  };
  errands = std::make_unique<Errands>(std::move(handlers), loop->clock(), to_loop);
  fleet = make_fleet(config, std::move(cursors), tls, identity, start, parts.takes_over,
                     {.clock = parts.clock,
                      .anchored = loop->clock(),
                      .needs = loop->needs(),
                      .deliver = to_loop});
}

std::shared_ptr<Access> App::Impl::doorman() {
  users = config.users;
  access = std::make_shared<Access>(
      Access::Options{.tokens = {{"controller.token", token, kAllRights}}, .certificates = users},
      tokens, audit);
  return access;
}

Status App::Impl::start_api() {
  api = std::make_unique<Api>(Api::Parts{
      .catalog = catalog,
      .said = said,
      .clock = parts.clock,
      .anchored = loop->clock(),
      .view = [this] { return loop->view(); },
      .letters = loop->letters(),
      .journal = *reader,
      .feed = feed,
      .signals = *signals,
      .fleet = *fleet,
      .tokens = *tokens,
      .audit = *audit,
      .version = parts.version,
      .insecure = is_insecure(config.security, config.address),
      .report = [this](const std::string& drill,
                       const std::string& format) { return rendered(*reports, drill, format); },
      .draw = [this](const std::string& day,
                     std::uint64_t seed) { return parts.draw(*catalog.read(), day, seed); },
      .reload = [this] { return reload(); }});
  server =
      std::make_unique<HttpServer>(HttpServer::Options{.address = config.address,
                                                       .port = config.port,
                                                       .threads = limits::kHttpThreads,
                                                       .body_max = limits::kBodyMax,
                                                       .doorman = doorman(),
                                                       .tls = tls,
                                                       .socket = config.state / kControllerSocket});
  api->add_routes(*server);
  return server->start();
}

void App::Impl::carry_out(const Effect& effect) {
  if (effect.is_for_agent()) {
    fleet->carry_out(effect);
  } else {
    errands->carry_out(effect);
  }
}

bool App::Impl::deliver(Letter letter) {
  if (const auto* batch = std::get_if<AgentEvents>(&letter.input)) {
    for (const auto& sample : batch->samples) {
      signals->add(batch->node, sample.signal, sample.at, sample.value);
    }
  }
  if (const auto* agent = std::get_if<AgentState>(&letter.input)) learn(*agent);
  return loop->letters().put(std::move(letter));
}

// At the start nobody knows what the agents send and can break: what the files say of it is checked
// once the last of them has told it. Then it is too late to refuse them, but not to say so.
void App::Impl::learn(const AgentState& agent) {
  AgentOffer offer = offer_in(agent.status);
  AgentOffers all = *said.read();
  if (all[agent.node] == offer) return;
  all[agent.node] = std::move(offer);
  said.publish(all);
  Inventory inventory = catalog.read()->inventory;
  const bool declared = inventory.signals().has_value();
  inventory.learn(all);
  if (declared || !inventory.signals() || !parts.load) return;
  const auto loaded = parts.load(all);
  if (loaded) return;
  for (const std::string& line : split(loaded.error().message, '\n')) log_warn(line);
}

// Reverting on each node that may still carry a fault of ours.
std::vector<Effect> App::Impl::last_effects() const {
  std::set<std::string> nodes;
  const auto faults = loop->view()->world.value("faults", nlohmann::json::object());
  for (const auto& [id, fault] : faults.items()) {
    const std::string state = fault.value("state", "");
    if (state != "reverted" && state != "failed") nodes.insert(fault.value("node", ""));
  }
  const auto epoch = loop->needs().read()->epoch;
  std::vector<Effect> effects;
  for (const std::string& node : nodes) {
    Effect effect;
    effect.id = cat("stop-", epoch, "-", node);
    effect.kind = EffectKind::kRevertAll;
    effect.node = node;
    effect.body = {{"reason", "the controller stops"}};
    effect.timeout = limits::kStopWithin;
    effects.push_back(std::move(effect));
  }
  return effects;
}

Status App::run() {
  if (auto ran = impl_->loop->run(); !ran) {
    impl_->loop->letters().close();  // further commands are refused at once
    return ran;
  }
  const auto effects = impl_->last_effects();
  if (!effects.empty()) log_info(cat("reverting the faults on ", effects.size(), " node(s)"));
  return impl_->loop->finish(effects, limits::kStopWithin + limits::kRetryMax);
}

Result<nlohmann::json> App::reload() { return impl_->reload(); }

Status App::note(const std::string& who, const std::string& what) {
  const auto written = impl_->audit->write({.who = who, .what = what}, wall_now());
  return written ? Status() : tl::unexpected(written.error());
}

Result<nlohmann::json> App::Impl::reload() {
  const std::lock_guard one_at_a_time(reloading);
  if (!parts.load) return fail(ErrorCode::kInternal, "this controller was not read from files");
  ASSIGN_OR_RETURN(Loaded loaded, parts.load(*said.read()));
  loaded.catalog.settings = config.settings;
  auto fresh = std::make_shared<const Catalog>(std::move(loaded.catalog));
  auto reply = std::make_shared<Reply>();
  if (!loop->letters().put({.input = Reloaded{fresh}, .cursor = {}, .reply = reply})) {
    return fail(ErrorCode::kUnavailable, "the controller is stopping or too busy");
  }
  ASSIGN_OR_RETURN(nlohmann::json answer, reply->wait(limits::kCommandWait));
  catalog.publish(*fresh);
  fleet->set_agents(agents_of(fresh->inventory));
  if (loaded.config.users != users) {
    users = loaded.config.users;
    access->let_in(users);
    answer["changes"].push_back("users: who may what by a certificate");
  }
  answer["needs_restart"] = needs_restart(config, loaded.config);
  for (const auto& change : answer["changes"]) log_info(cat("reload: ", change.get<std::string>()));
  return answer;
}

void App::stop() { impl_->loop->stop(); }

std::uint16_t App::port() const { return impl_->server->port(); }

}  // namespace panshi::controller
