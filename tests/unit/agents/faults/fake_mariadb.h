// SPDX-License-Identifier: Apache-2.0
// FakeMariaDb: as much of a MariaDB server as the faults of agents/faults/database want: accounts,
// connections of clients, table locks, read_only, and one replication connection. Any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/host/host.h"
#include "core/base/text.h"

namespace panshi::agent {

class FakeMariaDb : public std::enable_shared_from_this<FakeMariaDb> {
 public:
  using Touch = std::function<Status(const std::string& what)>;
  // `touch` is told of each statement that changes something, before it acts; it may refuse.
  explicit FakeMariaDb(Touch touch) : touch_(std::move(touch)) {}

  bool healthy() {
    const std::lock_guard lock(mutex_);
    return locked_ == std::set<std::string>{"'old'@'%'"} && marks_.empty() && sessions_.empty() &&
           lock_owner_ == 0 && reader_ == 0 && !read_only_ && fetches_ && applies_ && delay_s_ == 0;
  }
  std::unique_ptr<SqlSession> open() {
    const std::lock_guard lock(mutex_);
    sessions_.insert(++last_session_);
    return std::make_unique<Session>(shared_from_this(), last_session_);
  }
  void promote() {  // it follows nobody from now on
    const std::lock_guard lock(mutex_);
    primary_ = true;
  }
  void stop_following() {
    const std::lock_guard lock(mutex_);
    applies_ = false;
  }

 private:
  using Rows = std::vector<SqlSession::Row>;

  class Session final : public SqlSession {
   public:
    Session(std::shared_ptr<FakeMariaDb> server, int id) : server_(std::move(server)), id_(id) {}
    ~Session() override { server_->closed(id_); }
    Result<Rows> run(std::string_view sql) override { return server_->sql(id_, sql); }
    Result<std::vector<NamedRow>> run_named(std::string_view) override {
      return server_->replica();
    }

   private:
    const std::shared_ptr<FakeMariaDb> server_;  // one that is held outlives the host
    const int id_;
  };

  void closed(int session) {
    const std::lock_guard lock(mutex_);
    sessions_.erase(session);
    if (lock_owner_ == session) lock_owner_ = 0;
    if (reader_ == session) reader_ = 0;
  }

  Result<Rows> sql(int session, std::string_view text) {
    if (text.ends_with(" WRITE WAIT 3")) return wait_for_table();
    if (text.starts_with("SHOW GRANTS")) return Rows();  // nothing is known of privileges
    const bool changes = !text.starts_with("SELECT") && !text.starts_with("SET SESSION");
    if (changes) {
      if (auto touched = touch_(std::string(text.substr(0, 10))); !touched) {
        return tl::unexpected<Error>(touched.error());
      }
    }
    const std::lock_guard lock(mutex_);
    if (changes) {
      change(session, text);
      return Rows();
    }
    return select(session, text);
  }

  // Changes nothing: it waits in vain, or somebody waits for a table that is free.
  Result<Rows> wait_for_table() {
    const std::lock_guard lock(mutex_);
    waited_ = waited_ || reader_ != 0;
    if (reader_ != 0) return fail(ErrorCode::kRefused, "lock wait timeout exceeded");
    return Rows();
  }

  Rows select(int session, std::string_view text) {
    const auto one = [](auto value) { return Rows{{cat(value)}}; };
    if (text == "SELECT CONNECTION_ID()") return one(session);
    if (text == "SELECT @@GLOBAL.max_connections") return one(kConnectionsMax);
    if (text.ends_with("'THREADS_CONNECTED'")) return one(connections_.size() + sessions_.size());
    if (text == "SELECT @@GLOBAL.read_only") return one(read_only_ ? 1 : 0);
    if (text.find("PROCESSLIST WHERE ID = ") != text.npos) return one(1);
    if (text.find("STATE LIKE") != text.npos) return one(0);
    if (text.find("STATE = ") != text.npos) return one(waited_ && reader_ != 0 ? 2 : 0);
    if (text.ends_with("'THREADS_RUNNING'")) return one(sessions_.size());
    if (text.find("WHERE ID IN (") != text.npos) return one(sessions_.size() - 1);
    Rows rows;
    if (text.find("panshi_fault") != text.npos) {
      for (const auto& [account, fault] : marks_)
        rows.push_back({account, std::string("%"), fault});
    } else if (text.starts_with("SELECT User, Host, COALESCE")) {
      for (const std::string& account : locked_) rows.push_back({account, std::string("%"), "1"});
    } else if (text.starts_with("SELECT User, Host")) {
      for (const char* user : {"shop", "it's"}) rows.push_back({std::string(user), "%"});
    } else if (text.starts_with("SELECT DISTINCT User")) {
      rows.push_back({std::string("root")});
    } else if (text.starts_with("SELECT TABLE_NAME")) {
      rows = {{std::string("orders")}, {std::string("products")}};
    } else if (text.starts_with("SELECT ID")) {
      for (const int id : connections_) rows.push_back({std::to_string(id)});
    }
    return rows;
  }

  void change(int session, std::string_view text) {
    if (text.starts_with("KILL CONNECTION ")) {
      connections_.erase(std::stoi(std::string(text.substr(16))));
    } else if (text.starts_with("ALTER USER ")) {
      std::string account(text.substr(11, text.find(" ACCOUNT ") - 11));
      if (account.starts_with("IF EXISTS ")) account = account.substr(10);
      if (text.ends_with(" ACCOUNT LOCK")) locked_.insert(account);
      if (text.ends_with(" ACCOUNT UNLOCK")) locked_.erase(account);
    } else if (text.starts_with("UPDATE mysql.global_priv")) {
      const std::string user = after(text, "User = ");
      if (text.find("JSON_REMOVE") != text.npos) marks_.erase(user);
      if (text.find("JSON_SET") != text.npos) marks_[user] = after(text, "panshi_fault', ");
    } else if (text == "LOCK TABLES `shop`.`orders` WRITE") {
      lock_owner_ = session;
    } else if (text == "UNLOCK TABLES") {
      lock_owner_ = 0;
    } else if (text == "START TRANSACTION") {
      reader_ = session;
    } else if (text == "COMMIT") {
      reader_ = 0;
    } else if (text.starts_with("SET GLOBAL read_only = ")) {
      read_only_ = text.ends_with("1");
    } else {
      replicate(text);
    }
  }

  // The text in quotes that follows.
  static std::string after(std::string_view text, std::string_view what) {
    std::string word;
    for (std::size_t i = text.find(what) + what.size() + 1; i < text.size(); ++i) {
      if (text[i] == '\'' && text.substr(i, 2) != "''") break;
      if (text[i] == '\'') ++i;  // doubled
      word += text[i];
    }
    return word;
  }

  void replicate(std::string_view text) {
    constexpr std::string_view kDelay = "CHANGE MASTER TO MASTER_DELAY = ";
    if (text.starts_with(kDelay)) {
      delay_s_ = std::stoi(std::string(text.substr(kDelay.size())));
      return;
    }
    const bool start = text.starts_with("START SLAVE");
    if (!start && !text.starts_with("STOP SLAVE")) return;
    if (!text.ends_with("SQL_THREAD")) fetches_ = start;
    if (!text.ends_with("IO_THREAD")) applies_ = start;
  }

  Result<std::vector<SqlSession::NamedRow>> replica() {
    const std::lock_guard lock(mutex_);
    if (primary_) return std::vector<SqlSession::NamedRow>();
    return std::vector<SqlSession::NamedRow>{{{"Slave_IO_Running", fetches_ ? "Yes" : "No"},
                                              {"Slave_SQL_Running", applies_ ? "Yes" : "No"},
                                              {"SQL_Delay", std::to_string(delay_s_)},
                                              {"Seconds_Behind_Master", applies_ ? "0" : ""}}};
  }

  static constexpr int kConnectionsMax = 10;
  const Touch touch_;
  std::mutex mutex_;
  std::set<std::string> locked_ = {"'old'@'%'"};
  std::map<std::string, std::string> marks_;  // account -> the fault that locked it
  std::set<int> connections_ = {11, 12, 13};
  std::set<int> sessions_;
  int last_session_ = 100;
  int lock_owner_ = 0;   // a session; 0: nobody
  int reader_ = 0;       // the session with an open transaction; 0: nobody
  bool waited_ = false;  // somebody has come to wait for it
  bool primary_ = false;
  bool read_only_ = false;
  bool fetches_ = true;
  bool applies_ = true;
  int delay_s_ = 0;
};

}  // namespace panshi::agent
