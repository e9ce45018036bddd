// SPDX-License-Identifier: Apache-2.0
// The real session behind SqlSession. One thread at a time.
#pragma once

#include <memory>

#include "agents/host/host.h"
#include "core/io/mariadb.h"

namespace panshi::agent {

std::unique_ptr<SqlSession> make_sql_session(MariaDb database);

}  // namespace panshi::agent
