// SPDX-License-Identifier: Apache-2.0
// The client library counts its timeouts in whole seconds, so everything goes through its
// non-blocking calls with a deadline of our own. When it passes, the socket is shut down, which
// makes the call under way end at once. A call does not come back to us while its peer sends fast
// enough, so what it reads is also counted and timed as it is read (WhileReading).
#include "core/io/mariadb.h"

#include <errmsg.h>
#include <mysql.h>
// After it; the library has the function, but no header of its names it.
extern "C" void ma_pvio_register_callback(my_bool on,
                                          void (*seen)(int mode, MYSQL* mysql,
                                                       const unsigned char* bytes, size_t size));
#include <mysqld_error.h>
#include <poll.h>
#include <sys/socket.h>

#include <unordered_map>
#include <utility>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/local_socket.h"

namespace panshi {
namespace {

constexpr std::size_t kStatementsMax = 256;
// Those in which the server learns nothing that it could use elsewhere.
constexpr const char* kAuthentication = "mysql_native_password,client_ed25519";

short poll_events(int wanted) {
  int events = 0;
  if (wanted & MYSQL_WAIT_READ) events |= POLLIN;
  if (wanted & MYSQL_WAIT_WRITE) events |= POLLOUT;
  if (wanted & MYSQL_WAIT_EXCEPT) events |= POLLPRI;
  return static_cast<short>(events);
}
int events_seen(short events) {
  int seen = 0;
  if (events & (POLLIN | POLLHUP | POLLERR)) seen |= MYSQL_WAIT_READ;
  if (events & (POLLOUT | POLLHUP | POLLERR)) seen |= MYSQL_WAIT_WRITE;
  if (events & POLLPRI) seen |= MYSQL_WAIT_EXCEPT;
  return seen;
}

// Of the call under way on this thread.
struct Reading {
  MYSQL* mysql = nullptr;
  MonoTime deadline{};
  std::size_t left = 0;  // bytes
  // Until the server's first bytes have come, which are before ours: who it may be.
  const PasswordRules* rules = nullptr;
  Status allowed = {};
  bool cut = false;
};
thread_local Reading* reading = nullptr;

// Ends a connection at once, whatever its peer goes on sending: shut down, it would still be read.
void disconnect(int fd) {
  sockaddr nowhere{};
  nowhere.sa_family = AF_UNSPEC;
  (void)::connect(fd, &nowhere, sizeof nowhere);
}

void count_bytes(int mode, MYSQL* mysql, const unsigned char*, size_t size) {
  constexpr int kRead = 0;
  if (mode != kRead || reading == nullptr || reading->mysql != mysql || reading->cut) return;
  if (size == static_cast<size_t>(-1)) return;  // an error, which the library tells
  if (const auto* rules = std::exchange(reading->rules, nullptr)) {
    reading->allowed = check_server(mysql_get_socket(mysql), *rules);
  }
  if (!reading->allowed || size > reading->left || mono_now() >= reading->deadline) {
    reading->cut = true;
    return disconnect(mysql_get_socket(mysql));
  }
  reading->left -= size;
}

// A call of the library begins and ends within its life.
class WhileReading {
 public:
  explicit WhileReading(Reading& mine) : before_(std::exchange(reading, &mine)) {}
  ~WhileReading() { reading = before_; }
  WhileReading(const WhileReading&) = delete;
  WhileReading& operator=(const WhileReading&) = delete;

 private:
  Reading* const before_;
};

int start_library() {
  if (mysql_library_init(0, nullptr, nullptr) != 0) return 1;
  ma_pvio_register_callback(1, &count_bytes);
  return 0;
}

struct Bound {  // parameters in the form the library wants them
  std::vector<MYSQL_BIND> binds;
  std::vector<unsigned long> lengths;
};

Bound bind(std::span<const MariaDb::Value> values) {
  Bound bound;
  bound.binds.resize(values.size());
  bound.lengths.resize(values.size());
  std::size_t i = 0;
  for (const MariaDb::Value& value : values) {
    MYSQL_BIND& one = bound.binds[i];
    one = MYSQL_BIND{};
    // The library only reads parameters; its struct serves results too and so is not const.
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      one.buffer_type = MYSQL_TYPE_LONGLONG;
      one.buffer = const_cast<std::int64_t*>(integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      one.buffer_type = MYSQL_TYPE_DOUBLE;
      one.buffer = const_cast<double*>(real);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      one.buffer_type = MYSQL_TYPE_STRING;
      one.buffer = const_cast<char*>(text->data());
      one.buffer_length = text->size();
      bound.lengths[i] = text->size();
      one.length = &bound.lengths[i];
    } else {
      one.buffer_type = MYSQL_TYPE_NULL;
    }
    ++i;
  }
  return bound;
}

struct CloseStatement {
  void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
};
using StatementPtr = std::unique_ptr<MYSQL_STMT, CloseStatement>;

}  // namespace

struct MariaDb::Impl {
  MYSQL* mysql = mysql_init(nullptr);
  std::string place;
  Duration statement_timeout{};
  std::size_t answer_max = 0;
  std::size_t answer_left = 0;  // of the statement under way
  std::unordered_map<std::string, StatementPtr> statements;
  bool dead = false;
  const PasswordRules* rules = nullptr;  // while connecting: whom to log in to
  Status allowed = {};

  ~Impl() {
    if (dead) (void)::shutdown(mysql_get_socket(mysql), SHUT_RDWR);  // closing must not wait
    statements.clear();
    mysql_close(mysql);
  }

  // Starts a call of the library and sees it through to its end, or to the deadline.
  template <class Start, class Continue>
  void wait_for(MonoTime deadline, Start start, Continue go_on) {
    Reading mine{.mysql = mysql,
                 .deadline = deadline,
                 .left = answer_left,
                 .rules = std::exchange(rules, nullptr)};
    const WhileReading counted(mine);
    int wanted = start();
    while (wanted != 0) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - mono_now());
      pollfd poll_fd{.fd = mysql_get_socket(mysql), .events = poll_events(wanted), .revents = 0};
      const int ready =
          ::poll(&poll_fd, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
      if (ready > 0) {
        wanted = go_on(events_seen(poll_fd.revents));
      } else if (mono_now() >= deadline) {
        (void)::shutdown(poll_fd.fd, SHUT_RDWR);
        dead = true;
        deadline = mono_now() + std::chrono::seconds(1);  // for the calls that clean up
        mine.deadline = deadline;
        wanted = go_on(MYSQL_WAIT_TIMEOUT);
      }
    }
    answer_left = mine.left;
    allowed = std::move(mine.allowed);
    dead = dead || mine.cut;
  }

  bool closed_while_idle() const {
    pollfd poll_fd{.fd = mysql_get_socket(mysql), .events = POLLIN, .revents = 0};
    return ::poll(&poll_fd, 1, 0) != 0;
  }

  // `sent`: whether the server may have carried the statement out.
  tl::unexpected<Error> failed(unsigned number, const char* words, bool sent) {
    const bool broken = dead || number == CR_SERVER_LOST || number == CR_SERVER_GONE_ERROR ||
                        number == ER_CONNECTION_KILLED || number == ER_SERVER_SHUTDOWN;
    const std::string text = cat(place, ": ", words, " (", number, ")");
    if (broken) {
      dead = true;
      return fail(sent ? ErrorCode::kTimeout : ErrorCode::kUnavailable, text);
    }
    switch (number) {
      case ER_DUP_ENTRY:
        return fail(ErrorCode::kConflict, text);
      case ER_LOCK_WAIT_TIMEOUT:  // rolled back by the server
      case ER_LOCK_DEADLOCK:
      case ER_OPTION_PREVENTS_STATEMENT:  // read-only server
        return fail(ErrorCode::kUnavailable, text);
      default:
        return fail(ErrorCode::kInternal, text);
    }
  }

  Result<MYSQL_STMT*> prepare(std::string_view sql, MonoTime deadline);
  Status read_rows(MYSQL_STMT* statement, MonoTime deadline, Answer& answer);
  Status fetch_rows(MYSQL_STMT* statement, Answer& answer);
  Result<Answer> execute(MYSQL_STMT* statement, MonoTime deadline);
};

MariaDb::MariaDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MariaDb::MariaDb(MariaDb&&) noexcept = default;
MariaDb& MariaDb::operator=(MariaDb&&) noexcept = default;
MariaDb::~MariaDb() = default;
std::uint64_t MariaDb::thread_id() const { return mysql_thread_id(impl_->mysql); }

Result<MariaDb> MariaDb::connect(const Options& options) {
  static const int library = start_library();  // once, before any thread
  if (library != 0) return fail(ErrorCode::kInternal, "mariadb: library failed to start");
  auto impl = std::make_unique<Impl>();
  const bool local = !options.socket.empty();
  impl->place = local ? cat("mariadb ", options.socket.string())
                      : cat("mariadb ", options.host, ":", options.port);
  impl->statement_timeout = options.statement_timeout;
  impl->answer_max = impl->answer_left = options.answer_max;
  MYSQL* mysql = impl->mysql;
  mysql_options(mysql, MYSQL_OPT_NONBLOCK, nullptr);
  mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  const unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
  // Who listens on the server's port in its place may ask for the password in clear, or for a file
  // of ours in answer to a statement: it gets neither.
  mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, kAuthentication);
  const unsigned off = 0;
  mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
  if (!options.authority.empty()) {
    const my_bool on = 1;
    mysql_options(mysql, MYSQL_OPT_SSL_CA, options.authority.c_str());
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on);  // before anything of the account is sent
  }

  if (options.rules && !local && options.authority.empty()) impl->rules = &*options.rules;

  ASSIGN_OR_RETURN(const LocalPath socket, LocalPath::of(options.socket));
  MYSQL* connected = nullptr;
  impl->wait_for(
      mono_now() + options.connect_timeout,
      [&] {
        return mysql_real_connect_start(
            &connected, mysql, options.host.c_str(), options.user.c_str(), options.password.c_str(),
            options.database.c_str(), options.port, local ? socket.text().c_str() : nullptr,
            CLIENT_MULTI_STATEMENTS);
      },
      [&](int seen) { return mysql_real_connect_cont(&connected, mysql, seen); });
  if (!impl->allowed) return fail(impl->allowed.error(), impl->place);
  if (!connected) {
    const unsigned number = mysql_errno(mysql);
    const bool refused = number == ER_ACCESS_DENIED_ERROR || number == ER_DBACCESS_DENIED_ERROR;
    return fail(refused ? ErrorCode::kRefused : ErrorCode::kUnavailable,
                cat(impl->place, ": ", mysql_error(mysql), " (", number, ")"));
  }
  return MariaDb(std::move(impl));
}

Result<MYSQL_STMT*> MariaDb::Impl::prepare(std::string_view sql, MonoTime deadline) {
  const std::string key(sql);
  if (const auto found = statements.find(key); found != statements.end()) {
    return found->second.get();
  }
  if (statements.size() >= kStatementsMax) statements.clear();
  StatementPtr statement(mysql_stmt_init(mysql));
  const my_bool measure = 1;  // the library then tells how large the longest value is
  mysql_stmt_attr_set(statement.get(), STMT_ATTR_UPDATE_MAX_LENGTH, &measure);
  int bad = 0;
  wait_for(
      deadline,
      [&] { return mysql_stmt_prepare_start(&bad, statement.get(), key.data(), key.size()); },
      [&](int seen) { return mysql_stmt_prepare_cont(&bad, statement.get(), seen); });
  if (bad != 0) {
    return failed(mysql_stmt_errno(statement.get()), mysql_stmt_error(statement.get()), false);
  }
  return statements.emplace(key, std::move(statement)).first->second.get();
}

Result<MariaDb::Answer> MariaDb::run(std::string_view sql, std::span<const Value> values) {
  Impl& impl = *impl_;
  if (impl.dead || impl.closed_while_idle()) {
    impl.dead = true;
    return fail(ErrorCode::kUnavailable, cat(impl.place, ": connection closed"));
  }
  const MonoTime deadline = mono_now() + impl.statement_timeout;
  impl.answer_left = impl.answer_max;
  ASSIGN_OR_RETURN(MYSQL_STMT * statement, impl.prepare(sql, deadline));
  if (mysql_stmt_param_count(statement) != values.size()) {
    return fail(ErrorCode::kInternal, cat("statement wants ", mysql_stmt_param_count(statement),
                                          " values, got ", values.size(), ": ", sql));
  }
  Bound bound = bind(values);
  if (!bound.binds.empty() && mysql_stmt_bind_param(statement, bound.binds.data())) {
    return impl.failed(mysql_stmt_errno(statement), mysql_stmt_error(statement), false);
  }
  return impl.execute(statement, deadline);
}

Result<MariaDb::Answer> MariaDb::Impl::execute(MYSQL_STMT* statement, MonoTime deadline) {
  Answer answer;
  int bad = 0;
  wait_for(
      deadline, [&] { return mysql_stmt_execute_start(&bad, statement); },
      [&](int seen) { return mysql_stmt_execute_cont(&bad, statement, seen); });
  bool first = true;
  while (bad == 0) {  // one round per result set: a CALL has several
    if (mysql_stmt_field_count(statement) == 0) {
      if (first) answer.affected = static_cast<std::int64_t>(mysql_stmt_affected_rows(statement));
    } else {
      Answer rest;
      if (auto read = read_rows(statement, deadline, first ? answer : rest); !read) {
        return tl::unexpected(read.error());
      }
      first = false;
    }
    if (!mysql_stmt_more_results(statement)) break;
    wait_for(
        deadline, [&] { return mysql_stmt_next_result_start(&bad, statement); },
        [&](int seen) { return mysql_stmt_next_result_cont(&bad, statement, seen); });
  }
  if (bad > 0) return failed(mysql_stmt_errno(statement), mysql_stmt_error(statement), true);
  mysql_stmt_free_result(statement);
  return answer;
}

Status MariaDb::Impl::read_rows(MYSQL_STMT* statement, MonoTime deadline, Answer& answer) {
  int bad = 0;
  wait_for(
      deadline, [&] { return mysql_stmt_store_result_start(&bad, statement); },
      [&](int seen) { return mysql_stmt_store_result_cont(&bad, statement, seen); });
  if (bad != 0) return failed(mysql_stmt_errno(statement), mysql_stmt_error(statement), true);
  answer.affected = static_cast<std::int64_t>(mysql_stmt_num_rows(statement));
  return fetch_rows(statement, answer);
}

Status MariaDb::Impl::fetch_rows(MYSQL_STMT* statement, Answer& answer) {
  struct FreeResult {
    void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
  };
  const std::unique_ptr<MYSQL_RES, FreeResult> description(mysql_stmt_result_metadata(statement));
  const std::size_t columns = mysql_stmt_field_count(statement);
  const MYSQL_FIELD* fields = mysql_fetch_fields(description.get());
  std::vector<MYSQL_BIND> binds(columns);
  std::vector<std::string> buffers(columns);
  std::vector<unsigned long> lengths(columns);
  std::vector<my_bool> nulls(columns);
  for (std::size_t i = 0; i < columns; ++i) {
    answer.columns.emplace_back(fields[i].name);
    buffers[i].resize(std::max<std::size_t>(fields[i].max_length, 64) + 1);  // 64: any number
    binds[i] = MYSQL_BIND{};
    binds[i].buffer_type = MYSQL_TYPE_STRING;
    binds[i].buffer = buffers[i].data();
    binds[i].buffer_length = buffers[i].size();
    binds[i].length = &lengths[i];
    binds[i].is_null = &nulls[i];
  }
  if (mysql_stmt_bind_result(statement, binds.data())) {
    return failed(mysql_stmt_errno(statement), mysql_stmt_error(statement), true);
  }
  while (mysql_stmt_fetch(statement) == 0) {  // from memory: the rows were stored above
    Row& row = answer.rows.emplace_back();
    for (std::size_t i = 0; i < columns; ++i) {
      if (nulls[i]) {
        row.emplace_back(std::nullopt);
      } else {
        row.emplace_back(buffers[i].substr(0, lengths[i]));
      }
    }
  }
  return {};
}

Status MariaDb::script(std::string_view sql) {
  Impl& impl = *impl_;
  MYSQL* mysql = impl.mysql;
  if (impl.dead || impl.closed_while_idle()) {
    impl.dead = true;
    return fail(ErrorCode::kUnavailable, cat(impl.place, ": connection closed"));
  }
  const MonoTime deadline = mono_now() + impl.statement_timeout;
  impl.answer_left = impl.answer_max;
  int bad = 0;
  impl.wait_for(
      deadline, [&] { return mysql_real_query_start(&bad, mysql, sql.data(), sql.size()); },
      [&](int seen) { return mysql_real_query_cont(&bad, mysql, seen); });
  while (bad == 0) {  // one round per statement
    MYSQL_RES* rows = nullptr;
    impl.wait_for(
        deadline, [&] { return mysql_store_result_start(&rows, mysql); },
        [&](int seen) { return mysql_store_result_cont(&rows, mysql, seen); });
    mysql_free_result(rows);
    if (mysql_errno(mysql) != 0) break;
    if (!mysql_more_results(mysql)) return {};
    impl.wait_for(
        deadline, [&] { return mysql_next_result_start(&bad, mysql); },
        [&](int seen) { return mysql_next_result_cont(&bad, mysql, seen); });
  }
  return impl.failed(mysql_errno(mysql), mysql_error(mysql), true);
}

}  // namespace panshi
