// SPDX-License-Identifier: Apache-2.0
#include "controller/signals/signal_store.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "controller/limits.h"
#include "core/base/text.h"
#include "core/io/log.h"

namespace panshi::controller {
namespace {

constexpr Duration kSameValueEvery = std::chrono::seconds(1);
constexpr Duration kIdleAfter = std::chrono::minutes(1);  // makes room for another of its node

constexpr std::array<std::string_view, 1> kMigrations = {R"sql(
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  signal TEXT NOT NULL,
  node TEXT NOT NULL,
  UNIQUE (signal, node)
) STRICT;
CREATE TABLE samples (
  series INTEGER NOT NULL REFERENCES series (id),
  at_us INTEGER NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (series, at_us)
) STRICT, WITHOUT ROWID;
)sql"};

}  // namespace

Result<std::unique_ptr<SignalStore>> SignalStore::open(const std::filesystem::path& file,
                                                       Limits limits) {
  // A full disk, or a file that something has damaged.
  const auto cannot = [&](Error error) {
    error.message += "; it holds samples for graphs alone, and may be deleted";
    return fail(std::move(error), cat("open the sample store ", file.string()));
  };
  auto database = Database::open(file, Database::Mode::kReadWrite, kMigrations);
  if (!database) return cannot(database.error());
  std::unique_ptr<SignalStore> store(new SignalStore(*std::move(database), limits));
  if (const auto loaded = store->load(); !loaded) return cannot(loaded.error());
  store->thread_ = std::thread([raw = store.get()] { raw->run(); });
  return store;
}

SignalStore::SignalStore(Database database, Limits limits)
    : limits_(limits), database_(std::move(database)) {}

SignalStore::~SignalStore() {
  {
    const std::lock_guard lock(stop_mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  if (thread_.joinable()) thread_.join();
  if (const auto flushed = flush(); !flushed) log_warn(flushed.error().message);
}

Status SignalStore::load() {
  if (auto off = database_.run("PRAGMA synchronous=OFF"); !off) return off;
  auto read = database_.query("SELECT id, signal, node FROM series", {}, [this](const SqlRow& row) {
    series_[{row.text(1), row.text(2)}].id = row.integer(0);
    ++nodes_[row.text(2)].series;
    next_id_ = std::max(next_id_, row.integer(0) + 1);
  });
  if (!read) return read;
  for (auto& [key, series] : series_) {
    read = database_.query(
        "SELECT at_us, value FROM samples WHERE series = ? ORDER BY at_us DESC LIMIT 1",
        {series.id}, [&one = series](const SqlRow& row) {
          one.kept_at = from_us(row.integer(0));
          one.kept_value = row.real(1);
          one.kept = true;
        });
    if (!read) return read;
  }
  return database_.query("SELECT series, count(*) FROM samples GROUP BY series", {},
                         [this](const SqlRow& row) {
                           rows_of_[row.integer(0)] = row.integer(1);
                           rows_ += row.integer(1);
                         });
}

// A tenth of what the node may have at once, and after a look in vain not at each further sample: a
// flood of new names must not cost a look over all series each.
bool SignalStore::make_room(const std::string& node, WallTime at) {
  Node& of_node = nodes_[node];
  const std::size_t several = limits_.series_of_node_max / 10 + 1;
  if (of_node.passed_over > 0) {
    --of_node.passed_over;
    return false;
  }
  using Place = decltype(series_)::iterator;
  std::vector<std::pair<WallTime, Place>> idle;
  for (auto it = series_.begin(); it != series_.end(); ++it) {
    const WallTime fed_at = it->second.any ? it->second.at : it->second.kept_at;
    if (it->first.second == node && fed_at + kIdleAfter < at) idle.emplace_back(fed_at, it);
  }
  std::sort(idle.begin(), idle.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  if (idle.size() > several) idle.resize(several);
  if (idle.empty()) of_node.passed_over = several;
  for (const auto& [fed_at, place] : idle) {
    const std::int64_t id = place->second.id;
    const auto is_new =
        std::erase_if(new_series_, [id](const auto& entry) { return entry.first == id; }) > 0;
    if (!is_new) gone_.push_back(id);
    std::erase_if(buffer_, [id](const Sample& sample) { return sample.series == id; });
    series_.erase(place);
    --of_node.series;
  }
  return !idle.empty();
}

void SignalStore::add(const std::string& node, const std::string& signal, WallTime at,
                      double value) {
  if (!std::isfinite(value)) return;
  const std::lock_guard lock(mutex_);
  auto found = series_.find({signal, node});
  if (found == series_.end()) {
    const bool full = nodes_[node].series >= limits_.series_of_node_max;
    if (full && !make_room(node, at)) return;
    if (series_.size() >= limits_.series_max) return;
    ++nodes_[node].series;
    const std::int64_t id = next_id_++;
    found = series_.emplace(std::pair{signal, node}, Series{.id = id}).first;
    new_series_.emplace_back(id, found->first);
  }
  Series& series = found->second;
  const bool again = (series.any && at <= series.at) || (series.kept && at <= series.kept_at);
  if (!series.any || at > series.at) {
    series.at = at;
    series.value = value;
  }
  const bool same =
      series.kept && value == series.kept_value && at - series.kept_at < kSameValueEvery;
  series.any = true;
  if (again || same) return;
  series.kept_at = at;
  series.kept_value = value;
  series.kept = true;
  if (buffer_.size() < limits_.buffer_max) {
    buffer_.push_back({series.id, at, value});
  } else if (!dropped_) {
    dropped_ = true;
    log_warn("samples arrive faster than they can be stored: some are dropped");
  }
}

std::vector<SignalNow> SignalStore::newest() const {
  const std::lock_guard lock(mutex_);
  std::vector<SignalNow> all;
  for (const auto& [key, series] : series_) {
    if (!series.any) continue;  // known from the file, not seen since the start
    all.push_back(
        {.node = key.second, .signal = key.first, .at = series.at, .value = series.value});
  }
  return all;
}

std::vector<std::string> SignalStore::nodes_of(const std::string& signal) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> nodes;
  for (auto it = series_.lower_bound({signal, ""}); it != series_.end(); ++it) {
    if (it->first.first != signal) break;
    nodes.push_back(it->first.second);
  }
  return nodes;
}

Result<std::vector<std::pair<WallTime, double>>> SignalStore::read(const Query& query) {
  if (auto flushed = flush(); !flushed) return tl::unexpected(flushed.error());
  const std::lock_guard lock(database_mutex_);
  std::vector<std::pair<WallTime, double>> samples;
  const auto done = database_.query(
      "SELECT at_us, value FROM samples WHERE series IN"
      " (SELECT id FROM series WHERE signal = ? AND (? = '' OR node = ?))"
      " AND at_us >= ? AND at_us <= ? ORDER BY at_us LIMIT ?",
      {query.signal, query.node, query.node, to_us(query.from), to_us(query.to), query.limit},
      [&samples](const SqlRow& row) {
        samples.emplace_back(from_us(row.integer(0)), row.real(1));
      });
  if (!done) return fail(done.error(), "read samples");
  return samples;
}

Status SignalStore::flush() {
  const std::lock_guard database_lock(database_mutex_);
  std::vector<Sample> samples;
  std::vector<std::pair<std::int64_t, std::pair<std::string, std::string>>> new_series;
  std::vector<std::int64_t> gone;
  {
    const std::lock_guard lock(mutex_);
    samples.swap(buffer_);
    new_series.swap(new_series_);
    gone.swap(gone_);
    dropped_ = false;
  }
  if (samples.empty() && new_series.empty() && gone.empty()) return {};
  const auto done = database_.transaction([&]() -> Status {
    for (const std::int64_t id : gone) {  // its name may come again, as a new one
      for (const char* table :
           {"DELETE FROM samples WHERE series = ?", "DELETE FROM series WHERE id = ?"}) {
        if (auto removed = database_.run(table, {id}); !removed) return removed;
      }
    }
    for (const auto& [id, key] : new_series) {
      auto wrote = database_.run("INSERT INTO series (id, signal, node) VALUES (?, ?, ?)",
                                 {id, key.first, key.second});
      if (!wrote) return wrote;
    }
    return write(samples);
  });
  if (done) {
    for (const std::int64_t id : gone) {
      rows_ -= rows_of_[id];
      rows_of_.erase(id);
    }
    return {};
  }
  // The samples are lost, which is allowed; a series without its row would lose all later ones.
  const std::lock_guard lock(mutex_);
  new_series_.insert(new_series_.begin(), new_series.begin(), new_series.end());
  gone_.insert(gone_.begin(), gone.begin(), gone.end());
  return fail(done.error(), "write samples");
}

Status SignalStore::write(const std::vector<Sample>& samples) {
  for (const Sample& sample : samples) {
    auto wrote =
        database_.run("INSERT OR REPLACE INTO samples (series, at_us, value) VALUES (?, ?, ?)",
                      {sample.series, to_us(sample.at), sample.value});
    if (!wrote) return wrote;
  }
  for (const Sample& sample : samples) ++rows_of_[sample.series];
  rows_ += static_cast<std::int64_t>(samples.size());
  return {};
}

// The oldest tenth of the time of a node's series.
Status SignalStore::find_tenth(const std::vector<std::int64_t>& ids, WallTime now,
                               WallTime& before) {
  std::int64_t oldest = to_us(now);
  for (const std::int64_t id : ids) {
    auto read = database_.query(
        "SELECT coalesce(min(at_us), ?) FROM samples WHERE series = ?", {oldest, id},
        [&oldest](const SqlRow& row) { oldest = std::min(oldest, row.integer(0)); });
    if (!read) return read;
  }
  before = std::max(before, from_us(oldest + (to_us(now) - oldest) / 10));
  return {};
}

Status SignalStore::prune(WallTime now) {
  std::map<std::string, std::vector<std::int64_t>> ids_of;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, series] : series_) ids_of[key.second].push_back(series.id);
  }
  const std::lock_guard lock(database_mutex_);
  const bool too_many = rows_ > limits_.rows_max;
  // Who has more than an equal share goes back in time: what one sends costs the others nothing.
  const auto share =
      limits_.rows_max / static_cast<std::int64_t>(std::max<std::size_t>(ids_of.size(), 1));
  for (const auto& [node, ids] : ids_of) {
    std::int64_t rows = 0;
    for (const std::int64_t id : ids) rows += rows_of_[id];
    WallTime before = now - limits_.age_max;
    if (too_many && rows > share) {
      auto found = find_tenth(ids, now, before);
      if (!found) return fail(found.error(), "prune samples");
    }
    for (const std::int64_t id : ids) {  // one range of the primary key each
      auto removed =
          database_.run("DELETE FROM samples WHERE series = ? AND at_us < ?", {id, to_us(before)});
      if (!removed) return fail(removed.error(), "prune samples");
      rows_ -= database_.changes();
      rows_of_[id] -= database_.changes();
    }
  }
  return {};
}

void SignalStore::run() {
  const SystemClock clock;
  MonoTime prune_at = clock.mono() + limits::kSamplePruneEvery;
  bool failed = false;  // said once, not each second
  std::unique_lock lock(stop_mutex_);
  while (!stop_.wait_for(lock, limits::kSampleFlushEvery, [this] { return stopping_; })) {
    lock.unlock();
    auto done = flush();
    if (done && clock.mono() >= prune_at) {
      done = prune(clock.wall());
      prune_at = clock.mono() + limits::kSamplePruneEvery;
    }
    if (!done && !failed) log_warn(done.error().message);
    failed = !done;
    lock.lock();
  }
}

}  // namespace panshi::controller
