# Turns the YAML of a seed into assignments for the shell, each name beginning with `prefix`:
#
#     users:                        user_data_users_count='1'
#       - name: demo         ->     user_data_users_0_name='demo'
#         groups: [adm, dialout]    user_data_users_0_groups_count='2'
#                                   user_data_users_0_groups_0='adm'
#                                   user_data_users_0_groups_1='dialout'
#
# Knows block and flow collections (so JSON as well), plain and quoted scalars and block scalars: what people and
# programs write into a cloud-config. Not: anchors, tags, plain scalars of several lines.
# Names hold nothing but letters, digits and underscores and values stand in quotes, so the result is safe to `eval`.

{ sub(/\r$/, ""); line[NR] = $0 }

END {
	depth = 0      # open block collections; of each: column[], kind[] ("map" or "list"), outer[] (its name), count[]
	here = ""      # name of the value that comes next
	for (n = 1; n <= NR; n++) block_line(line[n])
}

# One line of block style. It may open several collections at once: "- - name: demo".
function block_line(text,   at) {
	if (text ~ /^[ ]*(#|$)/ || text ~ /^(---|\.\.\.|%)/) return
	at = match(text, /[^ ]/)
	text = substr(text, at)
	while (depth && column[depth] > at) depth--

	while (text ~ /^-( |$)/) {
		open_collection(at, "list")
		here = item(outer[depth], count[depth]++)
		if (!match(text, /^-[ ]+[^ ]/)) return
		at += RLENGTH - 1
		text = substr(text, RLENGTH)
	}
	if (match(text, /^("([^"\\]|\\.)*"|'[^']*'|[^][{}"'#,&*!|>%@ ][^:#]*)[ ]*:( |$)/)) {
		open_collection(at, "map")
		here = member(outer[depth], substr(text, 1, RLENGTH))
		text = substr(text, RLENGTH + 1)
		sub(/^[ ]+/, "", text)
	}
	if (text != "" && text !~ /^#/) value(text, depth ? column[depth] : 0)
}

# Makes the collection at this column the innermost one. A list may stand as far left as the key that holds it.
function open_collection(at, what) {
	if (depth && column[depth] == at && kind[depth] == what) return
	if (depth && column[depth] == at && kind[depth] == "list") { depth--; return }
	depth++
	column[depth] = at; kind[depth] = what; outer[depth] = here; count[depth] = 0
}

function value(text, at) {
	if (text ~ /^[|>]/) return block_scalar(text, at)
	if (text ~ /^[[{"']/) {
		source = text; position = 1
		return flow(here)
	}
	sub(/[ ]+#.*$/, "", text)
	assign(here, plain(text))
}

# `|` keeps the lines as they are, `>` makes one of them. Ends before the first line that isn't indented deeper.
function block_scalar(style, at,   text, indent, all) {
	while (n < NR && (line[n + 1] !~ /[^ ]/ || match(line[n + 1], /[^ ]/) > at)) {
		text = line[++n]
		if (text !~ /[^ ]/) continue
		if (!indent) indent = match(text, /[^ ]/)
		text = substr(text, indent)
		all = all (all == "" ? "" : style ~ /^>/ ? " " : "\n") text
	}
	assign(here, all)
}

# --- flow style and quotes: reads `source` from `position`, and goes on to the next lines where one isn't enough.

function flow(name,   i, key, start) {
	start = next_char()
	if (start == "[") {
		for (position++; next_char() != "]" && !ended(); skip_comma()) flow(item(name, i++ + 0))
		position++
	} else if (start == "{") {
		for (position++; next_char() != "}" && !ended(); skip_comma()) {
			key = flow_scalar(":")
			if (next_char() == ":") position++
			flow(member(name, key))
		}
		position++
	} else assign(name, flow_scalar(",]}"))
}

function flow_scalar(stops,   quote, text, c) {
	quote = next_char()
	if (quote == "\"" || quote == "'") {
		position++
		return quoted(quote)
	}
	while ((c = substr(source, position, 1)) != "" && !index(stops, c)) {
		text = text c
		position++
	}
	return plain(text)
}

function quoted(quote,   text, c) {
	while (!ended()) {
		c = substr(source, position, 1)
		if (c == "") { source = source " "; more(); continue }
		position++
		if (c == "\\" && quote == "\"") text = text escape(substr(source, position++, 1))
		else if (c != quote) text = text c
		else if (quote == "'" && substr(source, position, 1) == "'") { text = text c; position++ }
		else break
	}
	return text
}

function escape(c,   code, i) {
	if (c == "n") return "\n"
	if (c == "t") return "\t"
	if (c != "u") return c
	for (i = 0; i < 4; i++) code = code * 16 + index("0123456789abcdef", tolower(substr(source, position++, 1))) - 1
	if (code < 128) return sprintf("%c", code)
	if (code < 2048) return sprintf("%c%c", 192 + int(code / 64), 128 + code % 64)
	return sprintf("%c%c%c", 224 + int(code / 4096), 128 + int(code / 64) % 64, 128 + code % 64)
}

# The next character that is neither a blank nor part of a comment, without taking it.
function next_char(   c) {
	while (!ended()) {
		c = substr(source, position, 1)
		if (c == "") more()
		else if (c == "#") position = length(source) + 1
		else if (c == " " || c == "\t") position++
		else return c
	}
	return ""
}

function skip_comma() { if (next_char() == ",") position++ }
function ended() { return n >= NR && position > length(source) }
function more(   text) {
	if (n >= NR) return
	text = line[++n]
	sub(/^[ \t]+/, "", text)
	source = source text
}

function plain(text) {
	sub(/[ ]+$/, "", text)
	return text == "null" || text == "~" ? "" : text
}

# --- names and output

function item(list, i) {
	assign(list "_count", i + 1)
	return list "_" i
}

function member(map, key) {
	sub(/[ ]*:[ ]*$/, "", key)
	if (key ~ /^["']/) key = substr(key, 2, length(key) - 2)
	gsub(/[^A-Za-z0-9_]/, "_", key)
	return map (map == "" ? "" : "_") key
}

function assign(name, text) {
	if (name == "") return
	gsub(/'/, "'\\''", text)
	print prefix name "='" text "'"
}
