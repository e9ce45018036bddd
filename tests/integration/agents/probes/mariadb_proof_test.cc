// SPDX-License-Identifier: Apache-2.0
// The promise under test: where an authority is named, a database is asked by TLS, and gets the
// account only when its certificate is of that authority and for that host; a Unix socket needs
// neither.
#include <catch2/catch.hpp>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/io/files.h"
#include "core/io/mariadb.h"
#include "core/pki/authority.h"
#include "tests/support/shop_servers.h"

namespace panshi {
namespace {

namespace fs = std::filesystem;
using Server = ShopServers::Server;

struct Certificates {
  TemporaryFolder folder;
  Authority authority = Authority::create(folder / "tls", wall_now()).value();
  Authority stranger = Authority::create(folder / "other", wall_now()).value();

  // Options of a server with a certificate for that address.
  std::vector<std::string> of(const std::string& address) {
    const auto issued = authority.issue({"node", "db", {address}}, wall_now()).value();
    // A database may run as an account of its own.
    for (const fs::path& each : {issued.certificate, issued.key}) {
      fs::copy_file(each, folder / each.filename(), fs::copy_options::overwrite_existing);
      fs::permissions(folder / each.filename(), fs::perms(0644));
    }
    fs::permissions(folder.path(), fs::perms(0755));
    return {cat("--ssl-cert=", (folder / issued.certificate.filename()).string()),
            cat("--ssl-key=", (folder / issued.key.filename()).string())};
  }
  static fs::path of_whom(const Authority& authority) {
    return authority.files_of("node/db").authority;
  }
};

std::string cipher(const MariaDb::Options& options) {
  auto database = MariaDb::connect(options);
  if (!database) return "refused: " + database.error().message;
  const auto answer = database->run("SHOW SESSION STATUS LIKE 'Ssl_version'");
  return answer.value().rows.at(0).at(1).value_or("");
}

TEST_CASE("a database with a certificate of the authority for its host is asked by TLS") {
  Certificates made;
  const ShopServers servers({Server::kPrimary}, made.of(ShopServers::primary_here()));
  auto account = servers.root_account();
  CHECK(cipher(account) == "");  // nobody asked for it
  account.authority = Certificates::of_whom(made.authority);
  CHECK(cipher(account) == "TLSv1.3");
  account.authority = Certificates::of_whom(made.stranger);
  CHECK_THAT(cipher(account), Catch::StartsWith("refused: "));
  account.authority = made.folder / "nothing";
  CHECK_THAT(cipher(account), Catch::StartsWith("refused: "));
  account.authority.clear();
  auto root = MariaDb::connect(account).value();
  REQUIRE(root.run("CREATE USER 'here'@'localhost' IDENTIFIED BY 'root'"));
  account.user = "here";
  account.socket = servers.folder() / "primary" / "data" / "mariadb.sock";
  account.host.clear();
  CHECK(cipher(account) == "");
  // Longer than the kernel takes a path to a socket.
  const std::filesystem::path longer = servers.folder() / std::string(108, 'x');
  std::filesystem::create_directory_symlink(account.socket.parent_path(), longer);
  account.socket = longer / "mariadb.sock";
  CHECK(cipher(account) == "");
}

TEST_CASE("a database whose certificate is for another host, or that has none, gets no account") {
  Certificates made;
  {
    const ShopServers servers({Server::kPrimary}, made.of("127.0.0.9"));
    auto account = servers.root_account();
    account.authority = Certificates::of_whom(made.authority);
    CHECK_THAT(cipher(account), Catch::StartsWith("refused: "));
  }
  const ShopServers servers({Server::kPrimary});
  auto account = servers.root_account();
  account.authority = Certificates::of_whom(made.authority);
  CHECK_THAT(cipher(account), Catch::StartsWith("refused: "));
}

}  // namespace
}  // namespace panshi
