// SPDX-License-Identifier: Apache-2.0
#include "core/io/tls.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "core/base/check.h"
#include "core/base/ids.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/log.h"
#include "core/io/openssl.h"
#include "core/io/socket_end.h"
#include "core/io/tls_certificate.h"
#include "core/io/tls_socket.h"
#include "core/io/trusted_path.h"

namespace panshi {
namespace {

using namespace openssl;

constexpr std::size_t kFileMax = 1 << 20;
constexpr Duration kAnnounced = std::chrono::hours(24 * 30);  // of its end
constexpr Duration kLookEvery = std::chrono::seconds(2);
constexpr Duration kWarnEvery = std::chrono::hours(24);
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

// True for one of the threads that ask, once in `every`.
bool is_due(std::atomic<MonoTime::rep>& at, Duration every) {
  const MonoTime::rep now = mono_now().time_since_epoch().count();
  MonoTime::rep due = at.load();
  return now >= due && at.compare_exchange_strong(due, now + every.count());
}

struct Pems {
  std::string certificate;
  std::string key;
  std::string authority;
  std::string revoked;
  bool operator==(const Pems&) const = default;
};

Result<std::string> read_pem(const std::filesystem::path& file, const char* made_by) {
  auto text = read_file(file, kFileMax);
  if (text || text.error().code != ErrorCode::kNotFound) return text;
  return fail(ErrorCode::kNotFound,
              cat(text.error().message, ": `panshi tls ", made_by, "` makes it"));
}

Result<Pems> read_pems(const TlsFiles& files) {
  Pems pems;
  // Whoever may write one of them says who is believed, and is believed himself.
  for (const auto& file : {files.certificate, files.key, files.authority, files.revoked}) {
    if (file.empty()) continue;
    if (const Status fine = check_trusted(file); !fine && fine.error().code == ErrorCode::kRefused)
      return tl::unexpected(fine.error());
  }
  if (const auto key = read_file(files.key, kFileMax);
      key && !key_of(*key) && certificate_of(*key)) {
    return fail(ErrorCode::kInvalid, cat(files.key.string(),
                                         ": is a certificate, and not a key: `certificate` and "
                                         "`key` may have changed places"));
  }
  struct stat about = {};
  if (::stat(files.key.c_str(), &about) == 0 && (about.st_mode & kOthers) != 0) {
    return fail(
        ErrorCode::kRefused,
        cat(files.key.string(), ": others may read this key: chmod 600 ", files.key.string()));
  }
  ASSIGN_OR_RETURN(pems.certificate, read_pem(files.certificate, "issue ROLE/NAME"));
  ASSIGN_OR_RETURN(pems.key, read_pem(files.key, "issue ROLE/NAME"));
  ASSIGN_OR_RETURN(pems.authority, read_pem(files.authority, "init"));
  if (!files.revoked.empty()) {
    ASSIGN_OR_RETURN(pems.revoked, read_file(files.revoked, kFileMax));
  }
  return pems;
}

tl::unexpected<Error> wrong(const std::filesystem::path& file, std::string_view why) {
  return fail(ErrorCode::kInvalid, cat(file.string(), ": ", why));
}

// A list holds until the next one: a control plane that refuses all its peers because nobody wrote
// a new list in time guards nothing.
bool is_old_list(int error) { return error == X509_V_ERR_CRL_HAS_EXPIRED; }

// Whom we believe. Our own clock says what has expired.
Result<Store> store_of(const TlsFiles& files, const Pems& pems) {
  Store store(X509_STORE_new());
  const std::vector<Certificate> authorities = certificates_of(pems.authority);
  if (authorities.empty()) return wrong(files.authority, "is not a certificate in PEM");
  for (const Certificate& each : authorities) {
    if (X509_check_ca(each.get()) != 1) {
      return wrong(files.authority, "is not the certificate of an authority");
    }
    CHECK_BUG(X509_STORE_add_cert(store.get(), each.get()) == 1);
  }
  if (files.revoked.empty()) return store;
  const std::vector<RevokedList> lists = revoked_lists_of(pems.revoked);
  if (lists.empty()) return wrong(files.revoked, "is not a list of revoked certificates in PEM");
  for (const RevokedList& each : lists) {
    CHECK_BUG(X509_STORE_add_crl(store.get(), each.get()) == 1);
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK);
  X509_STORE_set_verify_cb(store.get(), [](int good, X509_STORE_CTX* context) {
    return is_old_list(X509_STORE_CTX_get_error(context)) ? 1 : good;
  });
  return store;
}

// `chain`: our own certificate, and behind it what is between it and the authority.
Status check_own(const TlsFiles& files, const std::vector<Certificate>& chain, X509_STORE* store,
                 WallTime now) {
  X509* const certificate = chain.front().get();
  const TlsCertificate about = described(certificate);
  const std::string renew =
      cat(": panshi tls renew ", about.peer.empty() ? "ROLE/NAME" : about.peer);
  if (now >= about.until)
    return wrong(files.certificate, cat("expired on ", utc_minute(about.until), renew));
  if (now < about.from) {
    return wrong(files.certificate, cat("is not valid before ", utc_minute(about.from),
                                        ": is this machine's clock right?"));
  }
  if (about.peer.empty()) {
    return wrong(files.certificate, cat("names nobody (a URI ", kTlsNamePrefix,
                                        "ROLE/NAME): panshi tls issue ROLE/NAME"));
  }
  const Between between(sk_X509_new_null());
  for (auto each = chain.begin() + 1; each != chain.end(); ++each) {
    CHECK_BUG(sk_X509_push(between.get(), each->get()) > 0);
  }
  const StoreContext context(X509_STORE_CTX_new());
  CHECK_BUG(X509_STORE_CTX_init(context.get(), store, certificate, between.get()) == 1);
  X509_VERIFY_PARAM_set_time(
      X509_STORE_CTX_get0_param(context.get()),
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count());
  if (X509_verify_cert(context.get()) == 1) return {};
  const int error = X509_STORE_CTX_get_error(context.get());
  if (error == X509_V_ERR_CERT_REVOKED) return wrong(files.certificate, cat("was revoked", renew));
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
    return wrong(files.authority,
                 "the authority that signed it has expired: panshi tls renew "
                 "authority, and copy its ca.crt to every host");
  }
  return wrong(files.certificate, cat("is not signed by ", files.authority.string(), " (",
                                      X509_verify_cert_error_string(error), ")"));
}

// Of one that is turned away: whether it is ours all the same, and only its time is over. Whose
// signature is wrong may call itself as it likes.
bool is_signed_by_ours(X509_STORE_CTX* context, int error) {
  if (error != X509_V_ERR_CERT_HAS_EXPIRED && error != X509_V_ERR_CERT_REVOKED &&
      error != X509_V_ERR_CERT_NOT_YET_VALID) {
    return false;
  }
  STACK_OF(X509)* const chain = X509_STORE_CTX_get0_chain(context);
  // Revocation is looked at before the signatures are.
  for (int i = 0; i + 1 < sk_X509_num(chain); ++i) {
    EVP_PKEY* const signer = X509_get0_pubkey(sk_X509_value(chain, i + 1));
    if (signer == nullptr || X509_verify(sk_X509_value(chain, i), signer) != 1) {
      ERR_clear_error();
      return false;
    }
  }
  return sk_X509_num(chain) > 1;
}

class TlsTransport : public Transport {
 public:
  using Turn = std::shared_ptr<const std::atomic<std::uint64_t>>;
  TlsTransport(SSL_CTX* context, int fd, std::uint64_t made_in, Turn turn)
      : context_(context), source_{fd}, made_in_(made_in), turn_(std::move(turn)) {
    CHECK_BUG(SSL_CTX_up_ref(context) == 1);
  }

  // OpenSSL's verdict on one certificate of the other side; hears what we make of it.
  static int judge(int good, X509_STORE_CTX* context) {
    const int error = X509_STORE_CTX_get_error(context);
    if (good == 1 || is_old_list(error)) return 1;
    const auto* const session = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* const self = static_cast<TlsTransport*>(SSL_get_app_data(session));
    X509* const leaf = X509_STORE_CTX_get0_cert(context);
    const std::string peer = leaf == nullptr ? "" : described(leaf).peer;
    const bool proven = is_signed_by_ours(context, error);
    self->refusal_ = {proven ? peer : "", peer_end(self->source_.fd).address,
                      cat("its certificate", proven || peer.empty() ? "" : cat(", of `", peer, "`"),
                          ": ", X509_verify_cert_error_string(error))};
    // Who is turned away is told the same for every reason; the log has the right one.
    X509_STORE_CTX_set_error(context, X509_V_ERR_CERT_REJECTED);
    return 0;
  }

  Io read(std::span<char> into) override {
    if (!session_) {
      if (const auto still = await_greeting()) return *still;
      begin();
    }
    const TlsTurn turn = read_some(session_.get(), into);
    if (!established_ && SSL_is_init_finished(session_.get()) == 1) establish();
    return io_of(turn);
  }
  Io write(std::string_view bytes) override { return io_of(write_some(session_.get(), bytes)); }
  void end() override {
    if (session_) end_session(session_.get());
  }
  Refusal refusal() const override { return refusal_; }
  bool is_established() const override { return established_; }
  const std::string& peer() const override { return peer_; }
  bool is_current() const override { return *turn_ == made_in_; }

 private:
  // Until the first record is there whole, or cannot be the greeting of TLS. Of the connections of
  // an attack most never come that far, and a session takes 70 KB and the time to make them.
  std::optional<Io> await_greeting() {
    while (const std::size_t wanted = bytes_wanted()) {
      const std::size_t had = source_.ahead.size();
      source_.ahead.resize(had + wanted);
      const ssize_t got = ::recv(source_.fd, source_.ahead.data() + had, wanted, MSG_DONTWAIT);
      source_.ahead.resize(had + (got > 0 ? static_cast<std::size_t>(got) : 0));
      if (got == 0) return Io{Outcome::kEnd};
      if (got < 0) return Io{is_passing(got) ? Outcome::kWaitRead : Outcome::kBroken};
    }
    return std::nullopt;
  }
  // RFC 8446, 5.1: type, version, length; a record has 16 KiB at most.
  std::size_t bytes_wanted() const {
    constexpr std::size_t kHead = 5;
    constexpr char kHandshake = 0x16;
    const std::string& got = source_.ahead;
    if (!got.empty() && got[0] != kHandshake) return 0;
    if (got.size() < kHead) return kHead - got.size();
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(got[at]); };
    const std::size_t whole = kHead + (std::size_t{byte(3)} << 8U) + byte(4);
    return whole > kHead + (16U << 10U) ? 0 : whole - std::min(whole, got.size());
  }
  void begin() {
    session_.reset(SSL_new(context_.get()));
    CHECK_BUG(session_ != nullptr);
    SSL_set_app_data(session_.get(), this);
    BIO* const bio = bio_of(source_);
    SSL_set_bio(session_.get(), bio, bio);
    SSL_set_accept_state(session_.get());
  }

  void establish() {
    established_ = true;
    X509* const certificate = SSL_get0_peer_certificate(session_.get());
    if (certificate != nullptr) peer_ = described(certificate).peer;
  }

  Io io_of(const TlsTurn& turn) const {
    if (turn.io.outcome == Outcome::kBroken) {
      if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST) tell_who_speaks_http();
      ERR_clear_error();
    }
    return turn.io;
  }

  // Whoever forgot the s of https:// would see nothing but a connection that ends.
  void tell_who_speaks_http() const {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 30\r\n"
        "Connection: close\r\n\r\nthis port speaks TLS: https://";
    (void)!::send(source_.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    // Closed with something unread, the answer would be lost to a reset.
    std::array<char, 8'192> rest;
    (void)!::recv(source_.fd, rest.data(), rest.size(), MSG_DONTWAIT);
  }

  const Context context_;
  TlsSocket source_;
  Session session_;  // from the greeting on
  const std::uint64_t made_in_;
  const Turn turn_;
  bool established_ = false;
  std::string peer_;
  Refusal refusal_;
};

struct Loaded {
  Pems pems;
  TlsCertificate certificate;
  WallTime authority_until{};  // of the first of them to end
  Context server;
  std::uint64_t turn = 0;  // of reading, that it comes from
  std::optional<MonoTime> changed = {};
};

Result<Loaded> load_from(const TlsFiles& files, Pems pems, WallTime now) {
  const std::vector<Certificate> chain = certificates_of(pems.certificate);
  if (chain.empty()) return wrong(files.certificate, "is not a certificate in PEM");
  X509* const certificate = chain.front().get();
  const Key key = key_of(pems.key);
  if (!key) return wrong(files.key, "is not a private key in PEM without a password");
  if (X509_check_private_key(certificate, key.get()) != 1) {
    ERR_clear_error();
    return wrong(files.key, cat("is not the key of ", files.certificate.string()));
  }
  ASSIGN_OR_RETURN(Store store, store_of(files, pems));
  if (auto good = check_own(files, chain, store.get(), now); !good) {
    return tl::unexpected(good.error());
  }
  Context server(SSL_CTX_new(TLS_server_method()));
  CHECK_BUG(server != nullptr && SSL_CTX_set_min_proto_version(server.get(), TLS1_3_VERSION) == 1 &&
            SSL_CTX_use_certificate(server.get(), certificate) == 1 &&
            SSL_CTX_use_PrivateKey(server.get(), key.get()) == 1);
  for (auto each = chain.begin() + 1; each != chain.end(); ++each) {
    CHECK_BUG(SSL_CTX_add1_chain_cert(server.get(), each->get()) == 1);
  }
  SSL_CTX_set_mode(server.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                     SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                     SSL_MODE_RELEASE_BUFFERS);
  // No tickets: each connection proves anew who it is, by what is valid then.
  SSL_CTX_set_session_cache_mode(server.get(), SSL_SESS_CACHE_OFF);
  CHECK_BUG(SSL_CTX_set_num_tickets(server.get(), 0) == 1);
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER, TlsTransport::judge);
  SSL_CTX_set_cert_store(server.get(), store.release());
  WallTime until = WallTime::max();
  for (const Certificate& each : certificates_of(pems.authority)) {
    until = std::min(until, described(each.get()).until);
  }
  return Loaded{std::move(pems), described(certificate), until, std::move(server)};
}

}  // namespace

struct Tls::Impl {
  TlsFiles files;
  std::atomic<MonoTime::rep> looks_at = 0;  // the files, the next time
  std::atomic<MonoTime::rep> warns_at = 0;
  mutable std::mutex mutex;
  std::shared_ptr<const Loaded> loaded;
  // How often the files were read; transports outlive us.
  std::shared_ptr<std::atomic<std::uint64_t>> turn =
      std::make_shared<std::atomic<std::uint64_t>>(0);

  std::shared_ptr<const Loaded> now() const {
    const std::lock_guard lock(mutex);
    return loaded;
  }
};

Tls::Tls(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tls::~Tls() = default;

Result<std::shared_ptr<Tls>> Tls::load(TlsFiles files, WallTime now) {
  ASSIGN_OR_RETURN(Pems pems, read_pems(files));
  ASSIGN_OR_RETURN(Loaded loaded, load_from(files, std::move(pems), now));
  auto impl = std::make_unique<Impl>();
  impl->files = std::move(files);
  impl->loaded = std::make_shared<const Loaded>(std::move(loaded));
  return std::shared_ptr<Tls>(new Tls(std::move(impl)));
}

const TlsFiles& Tls::files() const { return impl_->files; }
std::optional<MonoTime> Tls::changed() const { return impl_->now()->changed; }
TlsCertificate Tls::certificate() const { return impl_->now()->certificate; }

Result<bool> Tls::refresh(WallTime now) {
  ASSIGN_OR_RETURN(Pems pems, read_pems(impl_->files));
  if (pems == impl_->now()->pems) return false;
  ASSIGN_OR_RETURN(Loaded loaded, load_from(impl_->files, std::move(pems), now));
  const std::string was = impl_->now()->certificate.peer;
  if (loaded.certificate.peer != was) {
    return fail(ErrorCode::kInvalid,
                cat(impl_->files.certificate.string(), ": is now the certificate of ",
                    loaded.certificate.peer, ", and this is ", was, ": panshi tls renew ", was));
  }
  loaded.turn = ++*impl_->turn;
  loaded.changed = mono_now();
  auto made = std::make_shared<const Loaded>(std::move(loaded));
  const std::lock_guard lock(impl_->mutex);
  impl_->loaded = std::move(made);
  return true;
}

std::string Tls::warning(WallTime now) const {
  const auto loaded = impl_->now();
  const auto announced = [&](const std::filesystem::path& file, WallTime until,
                             const std::string& who) {
    return cat(file.string(), ": ", now < until ? "expires" : "expired", " on ", utc_minute(until),
               ": panshi tls renew ", who);
  };
  // Its end is that of all it signed.
  if (loaded->authority_until - now <= kAnnounced)
    return announced(impl_->files.authority, loaded->authority_until, "authority");
  const TlsCertificate& about = loaded->certificate;
  return about.until - now > kAnnounced
             ? ""
             : announced(impl_->files.certificate, about.until, about.peer);
}

void Tls::look_after() {
  if (is_due(impl_->looks_at, kLookEvery)) {
    const Result<bool> fresh = refresh(wall_now());
    if (!fresh) log_error(cat("what was read before stays in use: ", fresh.error().message));
    if (fresh && *fresh) log_info(cat(impl_->files.certificate.string(), ": read again"));
  }
  if (is_due(impl_->warns_at, kWarnEvery)) {
    if (const std::string words = warning(wall_now()); !words.empty()) log_warn(words);
  }
}

std::unique_ptr<Transport> Tls::accept(int fd) {
  look_after();
  const auto loaded = impl_->now();
  return std::make_unique<TlsTransport>(loaded->server.get(), fd, loaded->turn, impl_->turn);
}

}  // namespace panshi
