// SPDX-License-Identifier: Apache-2.0
int f() { return system("ls"); }
