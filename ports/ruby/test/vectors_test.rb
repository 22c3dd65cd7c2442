# frozen_string_literal: true

require_relative "helper"
require "stringio"

# What the vectors ask is asked of every entrance that can be asked it.
class VectorsTest < Minitest::Test
  WANT = { syntax: "syntax error", header: "header error", limit: "limit", range: "range", short: "short" }.freeze

  # An IO that gives one byte at a time, the worst a network can do.
  class Trickle < StringIO
    def read_nonblock(_most, exception: true)
      super(1, exception: exception)
    end
  end

  def self.rules(vector)
    vector.fetch("limits", "").split.to_h { |pair| [pair[/\w+/].to_sym, pair[/\d+/].to_i] }
          .merge(vector.fetch("options", "").split.to_h { |name| [name.to_sym, true] })
  end

  all = Vectors.all
  raise "only #{all.size} vectors" if all.size < 500

  all.each do |vector|
    define_method("test_#{vector["name"]}") do
      rules = VectorsTest.rules(vector)
      public_send("read_#{vector.fetch("read", "element")}", vector, rules)
    end
  end

  # What a block says: want, at, and what it returns where it does not raise.
  def said
    ["ok", nil, yield]
  rescue Petrichor::Error => e
    [WANT.fetch(e.layer), e.offset, nil]
  end

  def assert_fault(vector, want, at)
    assert_equal vector["want"], want, vector["why"]
    assert_equal vector["at"].to_i, at, vector["why"] if vector["at"] && want != "short"
  end

  def canon(vector)
    vector["canon"] || vector["wire"].delete_suffix(vector.fetch("rest", ""))
  end

  def assert_written(vector, written, rules)
    assert_equal canon(vector), written, vector["why"]
    assert_equal Encoding::BINARY, written.encoding
    return if vector["options"]

    assert_equal vector["trace"], Vectors::Trace.of(vector["wire"].delete_suffix(vector.fetch("rest", "")), Petrichor::STREAM.with(**rules))
  end

  def read_element(vector, rules)
    want, at, = said { Petrichor.parse(vector["wire"], **rules) }
    assert_fault(vector, want, at)
    want, _, (value, rest) = said { Petrichor.parse_first(vector["wire"], **rules) }
    return assert_equal(vector["want"], want) unless want == "ok"

    assert_equal vector.fetch("rest", ""), rest
    assert_written(vector, Petrichor.dump(value, **rules.slice(:text, :nonfinite, :depth)), rules) if vector["want"] == "ok"
  end

  # Whole, and byte by byte.
  def read_frames(vector, rules)
    frames = []
    io = Trickle.new(vector["wire"])
    want, at, = said { Petrichor::Connection.new(io, **rules).each { |frame| frames << frame } }
    assert_fault(vector, want, at)

    whole = []
    reader = Petrichor::Reader.new(**rules).feed(vector["wire"])
    said { while (frame = reader.next) do whole << frame end }
    assert_equal frames, whole
    assert_equal vector["trace"].to_s, Vectors::Trace.of(frames.map(&:dump).join, Petrichor::BUFFER) unless vector["canon"]
    assert_equal canon(vector), frames.map(&:dump).join if want == "ok"
  end

  def read_first(vector, rules)
    io = Trickle.new(vector["wire"].dup)
    want, at, connection = said { Petrichor::Connection.accept(io, **rules) }
    assert_fault(vector, want, at)
    return unless connection

    assert_equal vector.fetch("rest", ""), io.read.to_s.b
    assert_written(vector, connection.first.dump, rules)
  end

  def read_answer(vector, rules)
    io = Trickle.new(vector["wire"].dup)
    out = StringIO.new
    want, at, connection = said { Petrichor::Connection.new(io, output: out, **rules).tap { |c| c.greet({}, nil) } }
    assert_fault(vector, want, at)
    assert_equal vector["allowed"] == "yes", want == "ok" && connection.allowed?
    assert_written(vector, connection.first.dump, rules) if connection
  end
end
