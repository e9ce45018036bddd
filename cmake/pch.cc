// SPDX-License-Identifier: Apache-2.0
// Holds the precompiled header that every other target reuses.
