// SPDX-License-Identifier: Apache-2.0
// The HTTP-aware toxics at work on one connection: a stage for the requests and one for the
// answers, which know together which answer is whose.
//
// Keep-alive, requests behind one another, chunks and answers to HEAD are followed. From the first
// byte that is not HTTP/1 on (TLS, an upgrade), everything passes untouched. Pure, as any stage.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "agents/links/stage.h"
#include "agents/links/toxic_chain.h"
#include "core/base/random.h"

namespace panshi::agent {

// `rules` must outlive both; they are looked at for each request.
std::pair<std::unique_ptr<Stage>, std::unique_ptr<Stage>> make_http_stages(
    const std::vector<ToxicRow>& rules, Random random);

}  // namespace panshi::agent
