-- Petrichor for Wireshark: HEADER,BODY pairs of tnetstrings over TCP, and over TLS where ALPN says
-- petrichor/1.
--
--     tshark -X lua_script:petrichor.lua -d tcp.port==1234,petrichor -r capture.pcap
--
-- Copy it to the folder of personal Lua plugins that Help > About > Folders names, and it is always
-- there.  TCP port 7670 and what looks like a first frame is taken for petrichor without being told.
--
-- Filters: petrichor.entry == "user=zed" finds any entry of a header whose value is no list or dict;
-- petrichor.header.user == "zed" needs the key in keys, below, or named on the command line:
--
--     tshark -X lua_script:petrichor.lua -X lua_script1:user -Y 'petrichor.header.user == "zed"' ...
--
-- The rules are those of spec/petrichor.md, in its order: cut, check, frames.  What breaks one is
-- petrichor.fault, with the offset in the stream of the byte that decided.  Behind a fault nothing is
-- looked at, since nobody can say where the next frame begins.

local keys = {"allowed", "id", "error", "compress", "hold", "once", "ping"} -- those with a meaning
for _, key in ipairs({...}) do
	keys[#keys + 1] = key
end

local petrichor = Proto("petrichor", "Petrichor")

-- ---- Rules -------------------------------------------------------------------

local KINDS = {
	[","] = "string", [";"] = "text", ["#"] = "int", ["^"] = "float",
	["!"] = "bool", ["~"] = "null", ["]"] = "list", ["}"] = "dict",
}
local NINE_DIGITS = 999999999
local LONGEST_NUMBER = 400

local prefs = petrichor.prefs
prefs.size = Pref.uint("Largest body", 1048576, "bytes of payload")
prefs.header = Pref.uint("Largest header", 65536, "bytes of payload")
prefs.first = Pref.uint("Largest first frame", 16384, "bytes, of who connects")
prefs.depth = Pref.uint("Deepest nesting", 100, "lists and dicts inside one another")
prefs.values = Pref.uint("Most values", 65536, "in a header or a body")
prefs.text = Pref.bool("Text", false, "the tag ; for UTF-8 text")
prefs.loose = Pref.bool("Loose numbers", false, "+5, 05, -0, .5, and zeros in front of a size")
prefs.nonfinite = Pref.bool("Infinite floats", false, "inf and nan")
prefs.duplicates = Pref.bool("Keys twice", false, "the last one counts")

-- fault ends the reading of a stream: bytes that are wrong whatever follows.
local function fault(layer, at, why)
	error({layer = layer, at = at, why = why}, 0)
end

local function is_digit(byte) return byte and byte >= 48 and byte <= 57 end

-- after_digits returns where the digits that begin at s[at] end; offsets count from 0 here.
local function after_digits(s, at)
	while is_digit(s:byte(at + 1)) do
		at = at + 1
	end
	return at
end

-- find_colon returns where the size that begins at at ends, or nil where it may go on.
local function find_colon(b, at, stop)
	local i = at
	while i < stop and i - at < 9 and is_digit(b:byte(i + 1)) do
		i = i + 1
	end
	if i - at > 1 and b:sub(at + 1, at + 1) == "0" and not prefs.loose then
		fault("syntax error", at + 1, "a zero in front of a size")
	end
	if i == stop then
		return nil
	end
	if i == at or b:sub(i + 1, i + 1) ~= ":" then
		fault("syntax error", i, "no size")
	end
	return i
end

-- cut returns the first element of b from at to stop: {at, start, stop, kind}, or nil and how many
-- bytes are missing, where that is known.
local function cut(b, at, stop, most)
	local colon = find_colon(b, at, stop)
	if not colon then
		return nil
	end
	local size = tonumber(b:sub(at + 1, colon))
	if size > most then
		fault("limit", colon, "a larger payload than is allowed")
	end
	local start, tag = colon + 1, colon + 1 + size
	if tag >= stop then
		return nil, tag + 1 - stop
	end
	local kind = KINDS[b:sub(tag + 1, tag + 1)]
	if not kind or kind == "text" and not prefs.text then
		fault("syntax error", tag, "no tag")
	end
	return {at = at, start = start, stop = tag, kind = kind}
end

-- Each of these returns the offset of the first byte that is wrong in a payload.
local wrong = {}

function wrong.string() return nil end

function wrong.null(s) return s ~= "" and 0 or nil end

function wrong.bool(s) return s ~= "true" and s ~= "false" and 0 or nil end

local function sign(s)
	local first = s:sub(1, 1)
	return (first == "-" or prefs.loose and first == "+") and 1 or 0
end

function wrong.int(s)
	local first = sign(s)
	local last = after_digits(s, first)
	if last > first and s:sub(first + 1, first + 1) == "0" and #s > 1 and not prefs.loose then
		return 1
	end
	return (last == first or last < #s) and last or nil
end

local function wrong_exponent(s, at)
	if at == #s then
		return nil
	end
	if not s:sub(at + 1, at + 1):match("[eE]") then
		return at
	end
	local first = s:sub(at + 2, at + 2):match("[+-]") and at + 2 or at + 1
	local last = after_digits(s, first)
	return (last == first or last < #s) and last or nil
end

local function is_nonfinite(s)
	local word = s:lower():gsub("^[+-]", "")
	return word == "inf" or word == "infinity" or word == "nan"
end

function wrong.float(s)
	if prefs.nonfinite and is_nonfinite(s) then
		return nil
	end
	local first = sign(s)
	local last = after_digits(s, first)
	local whole = last - first
	if whole > 1 and s:sub(first + 1, first + 1) == "0" and not prefs.loose then
		return first + 1
	end
	if whole == 0 and not (prefs.loose and s:sub(last + 1, last + 1) == ".") then
		return last
	end
	if s:sub(last + 1, last + 1) == "." then
		local point = last
		last = after_digits(s, last + 1)
		if last == point + 1 and not (prefs.loose and whole > 0) then
			return last
		end
	end
	return wrong_exponent(s, last)
end

-- How many bytes follow a first byte of UTF-8, and the least and the most the first of them can be.
local function utf8_rest(c)
	if c < 0x80 then return 0 end
	if c >= 0xc2 and c <= 0xdf then return 1, 0x80, 0xbf end
	if c >= 0xe0 and c <= 0xef then return 2, c == 0xe0 and 0xa0 or 0x80, c == 0xed and 0x9f or 0xbf end
	if c >= 0xf0 and c <= 0xf4 then return 3, c == 0xf0 and 0x90 or 0x80, c == 0xf4 and 0x8f or 0xbf end
	return nil
end

function wrong.text(s)
	local i = 1
	while i <= #s do
		local rest, least, most = utf8_rest(s:byte(i))
		if not rest then
			return 0
		end
		for n = 1, rest do
			local c = s:byte(i + n)
			if not c or c < least or c > most then
				return 0
			end
			least, most = 0x80, 0xbf
		end
		i = i + rest + 1
	end
	return nil
end

local function payload(b, el) return b:sub(el.start + 1, el.stop) end

local function check_scalar(b, el)
	local s = payload(b, el)
	if (el.kind == "int" or el.kind == "float") and #s > LONGEST_NUMBER then
		fault("limit", el.start, "a longer number than is allowed")
	end
	local at = wrong[el.kind](s)
	if at then
		fault("syntax error", el.start + at, "no " .. el.kind)
	end
end

-- children adds what is directly inside el to it.
local function children(b, el)
	local at, list = el.start, {}
	return function()
		if at >= el.stop then
			return nil
		end
		local child = cut(b, at, el.stop, NINE_DIGITS)
		if not child then
			fault("syntax error", at, "larger than what it is in")
		end
		at = child.stop + 1
		list[#list + 1] = child
		el.children = list
		return child
	end
end

local check_form

local function check_key(b, key, seen)
	if key.kind ~= "string" and key.kind ~= "text" then
		fault("syntax error", key.stop, "a key that is no string")
	end
	check_scalar(b, key)
	local name = payload(b, key)
	if seen[name] and not prefs.duplicates then
		fault("syntax error", key.start, "a key that is there twice")
	end
	seen[name] = true
end

local function check_dict(b, el, depth)
	local seen, is_key = {}, true
	for child in children(b, el) do
		if is_key then
			check_key(b, child, seen)
		else
			check_form(b, child, depth)
		end
		is_key = not is_key
	end
	if not is_key then
		fault("syntax error", el.stop, "a key without a value")
	end
end

function check_form(b, el, depth)
	if el.kind ~= "list" and el.kind ~= "dict" then
		return check_scalar(b, el)
	end
	if depth == 0 then
		fault("limit", el.start, "deeper than is allowed")
	end
	if el.kind == "dict" then
		return check_dict(b, el, depth - 1)
	end
	for child in children(b, el) do
		check_form(b, child, depth - 1)
	end
end

-- check_values counts el and all inside it, and looks at floats that no double holds.
local function check_values(b, el, count)
	count = count + 1
	if count > prefs.values then
		fault("limit", el.start, "more values than are allowed")
	end
	for _, child in ipairs(el.children or {}) do
		count = check_values(b, child, count)
	end
	return count
end

local function check_range(b, el)
	local s = el.kind == "float" and payload(b, el)
	if s and not is_nonfinite(s) and math.abs(tonumber(s)) == math.huge then
		fault("range", el.start, "a number that no float is")
	end
	for _, child in ipairs(el.children or {}) do
		check_range(b, child)
	end
end

local function check(b, el)
	check_form(b, el, prefs.depth)
	check_values(b, el, 0)
	check_range(b, el)
end

-- cut_frame returns header and body of the frame at at, or nil and how many bytes are missing, if
-- that is known.  Of a header it is not told: Wireshark would hand over the bytes up to its end, and
-- keep the body that has come with them.
local function cut_frame(b, at, most)
	local header = cut(b, at, #b, math.min(prefs.header, most))
	if not header then
		return nil
	end
	if header.kind ~= "dict" then
		fault("header error", header.stop, "a header that is no dict")
	end
	local start = header.stop + 1
	local body, missing = cut(b, start, #b, math.min(prefs.size, most - (start - at)))
	return body and header, body, missing
end

-- ---- Fields ------------------------------------------------------------------

local F = {
	at = ProtoField.uint32("petrichor.at", "Offset in the stream"),
	length = ProtoField.uint32("petrichor.length", "Length"),
	first = ProtoField.bool("petrichor.first", "First frame"),
	admitted = ProtoField.bool("petrichor.allowed", "Allowed"),
	header = ProtoField.bytes("petrichor.header", "Header"),
	body = ProtoField.bytes("petrichor.body", "Body"),
	entry = ProtoField.string("petrichor.entry", "Entry"),
	key = ProtoField.string("petrichor.key", "Key"),
	payload = ProtoField.bytes("petrichor.payload", "Payload"),
	fault = ProtoField.string("petrichor.fault", "Fault"),
	fault_at = ProtoField.uint32("petrichor.fault.at", "Offset in the stream"),
	behind = ProtoField.bytes("petrichor.behind", "Behind a fault"),
	string = ProtoField.string("petrichor.string", "String"),
	text = ProtoField.string("petrichor.text", "Text"),
	int = ProtoField.string("petrichor.int", "Int"),
	float = ProtoField.double("petrichor.float", "Float"),
	bool = ProtoField.bool("petrichor.bool", "Bool"),
	null = ProtoField.none("petrichor.null", "Null"),
	list = ProtoField.none("petrichor.list", "List"),
	dict = ProtoField.none("petrichor.dict", "Dict"),
}
local by_key = {}
for _, key in ipairs(keys) do
	by_key[key] = ProtoField.string("petrichor.header." .. key, key)
end

local fields = {}
for _, field in pairs(F) do
	fields[#fields + 1] = field
end
for _, field in pairs(by_key) do
	fields[#fields + 1] = field
end
petrichor.fields = fields

local malformed = ProtoExpert.new("petrichor.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR)
petrichor.experts = {malformed}

-- shown is a payload as a person reads it.
local function shown(s)
	return (s:gsub("[^ -~]", function(c) return string.format("\\x%02x", c:byte()) end))
end

-- typed is the value of a scalar for its field.
local function typed(kind, s)
	if kind == "bool" then
		return s == "true"
	elseif kind == "float" and not is_nonfinite(s) then
		return tonumber(s)
	end
	return shown(s)
end

-- add adds an element and all inside it to tree.
local function add(tree, tvb, b, el, name)
	local whole = tvb(el.at, el.stop + 1 - el.at)
	local inner = el.children or {}
	if el.kind == "list" or el.kind == "dict" then
		local node = tree:add(F[el.kind], whole)
		for i, child in ipairs(inner) do
			add(node, tvb, b, child, el.kind == "dict" and i % 2 == 1 and "key" or nil)
		end
		return
	end
	local node
	local s = payload(b, el)
	if el.kind == "null" then
		node = tree:add(F.null, whole)
	elseif el.kind == "float" and is_nonfinite(s) then
		node = tree:add(F.float, whole, s:sub(1, 1) == "-" and -math.huge or math.huge)
	else
		node = tree:add(F[name or el.kind], whole, typed(el.kind, s))
	end
	if el.stop > el.start then
		node:add(F.payload, tvb(el.start, el.stop - el.start))
	end
end

-- add_entries adds what filters find, and returns the header in a few words.
local function add_entries(tree, tvb, b, header)
	local words, inner = {}, header.children or {}
	for i = 1, #inner, 2 do
		local name, value = payload(b, inner[i]), inner[i + 1]
		local range = tvb(inner[i].at, value.stop + 1 - inner[i].at)
		local text = shown(name) .. "=" .. value.kind
		if not value.children and value.kind ~= "list" and value.kind ~= "dict" then
			local s = value.kind == "null" and "null" or shown(payload(b, value))
			text = shown(name) .. "=" .. s
			tree:add(F.entry, range, text):set_generated()
			if by_key[name] then
				tree:add(by_key[name], range, s):set_generated()
			end
		end
		words[#words + 1] = text
	end
	return table.concat(words, " ")
end

-- allowed is whether a header, as an answer to a first frame, lets its receiver in.
local function allowed(b, header)
	local answer, inner = true, header.children or {}
	for i = 1, #inner, 2 do
		if payload(b, inner[i]) == "allowed" then
			answer = inner[i + 1].kind == "bool" and payload(b, inner[i + 1]) == "true"
		end
	end
	return answer
end

-- ---- Streams -----------------------------------------------------------------

local tcp_stream = Field.new("tcp.stream")
local sides = {} -- by stream and sender: where it is, whether a fault has ended it
local openers = {} -- by stream: the sender that spoke first, and so has connected
local seen = {} -- by packet, buffer and offset: what was known when it was read first

function petrichor.init()
	sides, openers, seen = {}, {}, {}
end

-- stream_of names the connection: by its number, or where no tree is made, and none is known, as in the
-- first of two passes, by its ends.
local function stream_of(sender, receiver)
	local number = tcp_stream()
	if number then
		return tostring(number)
	end
	return sender < receiver and sender .. " " .. receiver or receiver .. " " .. sender
end

-- place returns where in its side's stream a frame begins, and the side.
local function place(tvb, pinfo, offset)
	local sender = tostring(pinfo.src) .. ":" .. pinfo.src_port
	local stream = stream_of(sender, tostring(pinfo.dst) .. ":" .. pinfo.dst_port)
	local side = stream .. " " .. sender
	local id = pinfo.number .. ":" .. tvb:len() .. ":" .. offset -- a packet may end one frame and hold another
	openers[stream] = openers[stream] or sender
	sides[side] = sides[side] or {at = 0}
	local known = seen[id]
	if not known then
		local s = sides[side]
		known = {at = s.at, first = s.at == 0, opener = openers[stream] == sender, dead = s.dead}
		seen[id] = known
	end
	return known, sides[side]
end

local function add_fault(tree, tvb, offset, known, e)
	local rest = tvb(offset)
	local node = tree:add(petrichor, rest, "Petrichor, malformed")
	local at = known.at + e.at - offset
	local item = node:add(F.fault, rest, e.layer)
	item:append_text(string.format(" at byte %d: %s", at, e.why))
	item:add(F.fault_at, rest, at)
	item:add_proto_expert_info(malformed, e.layer .. ": " .. e.why)
end

local function add_frame(tree, tvb, pinfo, b, known, header, body)
	local whole = tvb(header.at, body.stop + 1 - header.at)
	local node = tree:add(petrichor, whole)
	node:add(F.at, whole, known.at):set_generated()
	node:add(F.length, whole, whole:len()):set_generated()
	if known.first then
		node:add(F.first, whole, true):set_generated()
	end
	if known.first and not known.opener then
		node:add(F.admitted, whole, allowed(b, header)):set_generated()
	end
	local head = node:add(F.header, tvb(header.at, header.stop + 1 - header.at))
	local words = add_entries(head, tvb, b, header)
	add(head, tvb, b, header)
	add(node:add(F.body, tvb(body.at, body.stop + 1 - body.at)), tvb, b, body)
	local text = string.format("{%s} %s of %d bytes", words, body.kind, body.stop - body.start)
	node:append_text(", " .. text)
	pinfo.cols.info:append("  " .. text)
end

-- one reads the frame at offset, and returns where it ends, or nil.
local function one(tvb, pinfo, tree, b, offset)
	local known, side = place(tvb, pinfo, offset)
	if known.dead then
		tree:add(petrichor, tvb(offset)):add(F.behind, tvb(offset))
		return nil
	end
	local most = known.first and known.opener and prefs.first or math.huge
	local fine, e, body, missing = pcall(function()
		local header, body, missing = cut_frame(b, offset, most)
		if header then
			check(b, header)
			check(b, body)
		end
		return header, body, missing
	end)
	if fine and not e then
		pinfo.desegment_offset = offset
		pinfo.desegment_len = missing or DESEGMENT_ONE_MORE_SEGMENT
		return nil
	end
	if not fine then
		if type(e) ~= "table" then
			error(e, 0) -- ours
		end
		side.dead = true
		pinfo.cols.info:append("  malformed")
		add_fault(tree, tvb, offset, known, e)
		return nil
	end
	add_frame(tree, tvb, pinfo, b, known, e, body)
	if not pinfo.visited then
		side.at = known.at + body.stop + 1 - offset
	end
	return body.stop + 1
end

function petrichor.dissector(tvb, pinfo, tree)
	pinfo.cols.protocol = "Petrichor"
	pinfo.cols.info = ""
	local b = tvb:raw()
	local offset = 0
	while offset and offset < #b do
		offset = one(tvb, pinfo, tree, b, offset)
	end
	return tvb:len()
end

DissectorTable.get("tcp.port"):add(7670, petrichor)
pcall(function() DissectorTable.get("tls.alpn"):add("petrichor/1", petrichor) end)

-- A first frame begins with the size of a dict; if there is a byte in it, it is the size of a key.
petrichor:register_heuristic("tcp", function(tvb, pinfo, tree)
	local b = tvb:raw()
	local digits, inside = b:match("^(%d%d?%d?%d?%d?):(.)")
	local size = tonumber(digits)
	if not size or digits ~= "0" and digits:sub(1, 1) == "0" or size > prefs.header then
		return false
	end
	if not (size == 0 and inside == "}" or size >= 5 and inside:match("%d")) then
		return false
	end
	local tag = #digits + 1 + size
	if tag < #b and b:sub(tag + 1, tag + 1) ~= "}" then
		return false
	end
	petrichor.dissector(tvb, pinfo, tree)
	pinfo.conversation = petrichor
	return true
end)
