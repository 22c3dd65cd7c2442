# frozen_string_literal: true

# Answers what petrichor conform asks; docs/porting.md is the contract.
#
#   petrichor conform -- ruby -Ilib test/verdict.rb

require "json"
require "stringio"
require "petrichor"

# An IO that gives one byte at a time, the worst a network can do.
class Trickle < StringIO
  def read_nonblock(_most, exception: true)
    super(1, exception: exception)
  end
end

# Reads some bytes, and keeps what was read before a fault.
class Reading
  WORDS = { syntax: "syntax error", header: "header error" }.freeze

  def initialize(rules, wire)
    @rules = rules
    @wire = wire
    @io = Trickle.new(wire)
    @values = []
    @canon = String.new
  end

  def answer(read)
    more = public_send("read_#{read}")
    { verdict: "ok", values: @values.map { |value| tagged(value) }, canon: characters(@canon), **more }
  rescue Petrichor::Error => e
    verdict = WORDS.fetch(e.layer, e.layer.to_s)
    answer = { verdict: verdict, at: e.offset, allowed: false }
    answer[:values] = @values.map { |value| tagged(value) } if read == "frames"
    answer
  end

  def read_element
    value = Petrichor.parse(@wire, **@rules)
    @values << value
    @canon << Petrichor.dump(value, **writing)
    { rest: 0 }
  end

  def read_frames
    Petrichor::Connection.new(@io, **@rules).each { |frame| keep(frame) }
    {}
  end

  def read_first
    keep(Petrichor::Connection.accept(@io, **@rules).first)
    { rest: @io.size - @io.pos }
  end

  def read_answer
    connection = Petrichor::Connection.greet(@io, output: StringIO.new, **@rules)
    keep(connection.first)
    { allowed: connection.allowed? }
  end

  private

  def keep(frame)
    @values.push(*frame)
    @canon << frame.dump(**writing)
  end

  def writing
    @rules.slice(:text, :nonfinite, :depth)
  end

  def tagged(value)
    case value
    when String then { type: value.encoding == Encoding::UTF_8 ? "text" : "string", value: characters(value) }
    when Integer then { type: "int", value: value.to_s }
    when Float then { type: "float", value: float(value) }
    when true, false then { type: "bool", value: value }
    when nil then { type: "null" }
    when Array then { type: "list", value: value.map { |item| tagged(item) } }
    when Hash then { type: "dict", value: value.map { |key, item| [characters(key), tagged(item)] } }
    end
  end

  # A character for each byte.
  def characters(bytes)
    bytes.b.force_encoding(Encoding::ISO_8859_1).encode(Encoding::UTF_8)
  end

  def float(number)
    return number.to_s if number.finite?

    number.nan? ? "nan" : number.positive? ? "inf" : "-inf"
  end
end

def ask(read, words, wire)
  rules = words.to_h { |word| [word[/\w+/].to_sym, word.include?("=") ? word[/\d+/].to_i : true] }
  return { verdict: "unsupported" } unless rules.keys.all? { |name| Petrichor::Rules.members.include?(name) }

  Reading.new(rules, wire).answer(read)
end

unless ARGV.empty?
  answer = ask(ARGV.first, ARGV.drop(1), $stdin.binmode.read)
  puts JSON.generate(answer, max_nesting: false)
  exit answer[:verdict] == "ok"
end

$stdout.sync = true
$stdin.each_line do |line|
  read, *words, wire = line.split
  puts JSON.generate(ask(read, words, [wire.delete("-")].pack("H*")), max_nesting: false)
end
