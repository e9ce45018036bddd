// SPDX-License-Identifier: Apache-2.0
// What a certificate says, in our words. For core/io's TLS alone.
#pragma once

#include "core/io/openssl.h"
#include "core/io/tls.h"

namespace panshi {

TlsCertificate described(X509* certificate);

}  // namespace panshi
