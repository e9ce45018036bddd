// SPDX-License-Identifier: Apache-2.0
#include "core/io/tls_caller.h"

#include <cerrno>

#include "core/base/check.h"
#include "core/base/ip_address.h"
#include "core/base/text.h"
#include "core/io/tls_socket.h"

namespace panshi {
namespace {

using namespace openssl;

class CallingTransport final : public Transport {
 public:
  CallingTransport(SSL_CTX* context, int fd, const std::string& name)
      : socket_{fd}, session_(SSL_new(context)) {
    SSL* const session = session_.get();
    CHECK_BUG(session != nullptr);
    if (is_ip_address(name)) {
      CHECK_BUG(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str()) == 1);
    } else {
      CHECK_BUG(SSL_set1_host(session, name.c_str()) == 1 &&
                // SSL_set_tlsext_host_name(), without its C cast
                SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                         const_cast<char*>(name.c_str())) == 1);
    }
    BIO* const bio = bio_of(socket_);
    SSL_set_bio(session, bio, bio);
    SSL_set_connect_state(session);
  }

  Io read(std::span<char> into) override { return io_of(read_some(session_.get(), into)); }
  Io write(std::string_view from) override { return io_of(write_some(session_.get(), from)); }
  void end() override { end_session(session_.get()); }
  bool is_established() const override { return SSL_is_init_finished(session_.get()) == 1; }
  const std::string& peer() const override { return nobody_; }
  bool is_current() const override { return true; }
  Refusal refusal() const override { return refusal_; }

 private:
  Io io_of(const TlsTurn& turn) {
    if (turn.io.outcome != Outcome::kBroken) return turn.io;
    // Of the socket: errno says what.
    if (turn.error != SSL_ERROR_SSL) return {errno == 0 ? Outcome::kEnd : Outcome::kBroken};
    if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      ERR_clear_error();
      return {Outcome::kEnd};
    }
    const long verdict = SSL_get_verify_result(session_.get());
    refusal_.why = verdict == X509_V_OK
                       ? cat("TLS: ", last_error())
                       : cat("its certificate: ", X509_verify_cert_error_string(verdict));
    ERR_clear_error();
    return {Outcome::kBroken};
  }

  TlsSocket socket_;
  const Session session_;
  const std::string nobody_;
  Refusal refusal_;
};

}  // namespace

Result<std::unique_ptr<Transport>> call_by_tls(int fd, const TlsServer& server) {
  const Context context(SSL_CTX_new(TLS_client_method()));
  CHECK_BUG(context != nullptr &&
            SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const bool believes =
      server.authority.empty()
          ? SSL_CTX_set_default_verify_paths(context.get()) == 1
          : SSL_CTX_load_verify_file(context.get(), server.authority.c_str()) == 1;
  if (!believes) {
    return fail(ErrorCode::kInvalid,
                cat(server.authority, ": no certificate in PEM can be read there: ", last_error()));
  }
  return std::make_unique<CallingTransport>(context.get(), fd, server.name);
}

}  // namespace panshi
