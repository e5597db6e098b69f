#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Turns a header's plain comments into Doxygen's: the first block documents the file, a comment before a declaration
# that declaration, one behind it what is before it. Indented lines (formulas, code) stay as they are written.
exec awk '
function escaped(text) { gsub(/[<>@\\#&]/, "\\\\&", text); return text }
function close_formula() { if (formula) print "\\endverbatim"; formula = 0 }
function close_block() { close_formula(); if (block) print "*/"; block = 0 }
NR == 1 && /^\/\/ SPDX/ { print "/** \\file"; block = 1; next }
/^[ ]*\/\/( |$)/ {
  if (!block) print "/**"
  block = 1
  text = $0; sub(/^[ ]*\/\/ ?/, "", text)
  if (text ~ /^  / && !formula) { print "\\verbatim"; formula = 1 }
  else if (text !~ /^  / && text != "") close_formula()
  print formula ? text : escaped(text); next
}
{ close_block() }
/[;,{] +\/\/ / {
  at = match($0, / +\/\/ /)
  print substr($0, 1, at - 1) "  ///< " escaped(substr($0, at + RLENGTH)); next
}
{ print }
END { close_block() }
' "$1"
