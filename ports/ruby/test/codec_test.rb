# frozen_string_literal: true

require_relative "helper"

class CodecTest < Minitest::Test
  def assert_refused(layer, offset = nil, &block)
    error = assert_raises(Petrichor::Error, &block)
    assert_equal layer, error.layer
    assert_equal offset, error.offset if offset
    error
  end

  def test_strings_are_written_as_the_bytes_they_are
    assert_equal "3:\xC3\xA9t,".b, Petrichor.dump("ét")
    assert_equal "2:\xE9t,".b, Petrichor.dump("ét".encode("ISO-8859-1"))
    assert_equal "1:\xFF,".b, Petrichor.dump("\xFF")
    assert_equal "7:1:a,0:,}", Petrichor.dump({ a: :"" })
  end

  def test_strings_are_read_binary
    value = Petrichor.parse("5:\xC3\xA9\xFF\0a,")
    assert_equal Encoding::BINARY, value.encoding
    assert_equal "\xC3\xA9\xFF\0a".b, value
  end

  def test_text_is_utf_8
    assert_equal "3:\xC3\xA9t;".b, Petrichor.dump("ét", text: true)
    assert_equal "2:\xE9t,".b, Petrichor.dump("ét".encode("ISO-8859-1"), text: true)
    assert_equal "1:\xFF,".b, Petrichor.dump("\xFF", text: true)
    assert_equal "ét", Petrichor.parse("3:ét;", text: true)
    assert_equal({ "é" => 2 }, Petrichor.parse("18:2:é,1:1#2:é;1:2#}", text: true, duplicates: true))
  end

  def test_no_symbol_is_made_of_input
    word = "never seen before #{rand(1 << 64)}"
    Petrichor.parse(Petrichor.dump({ word => [word] }))
    refute(Symbol.all_symbols.any? { |symbol| symbol.name == word })
  end

  def test_depth_ends_in_an_error_however_deep
    bytes = nest(2000)
    assert_refused(:limit) { Petrichor.parse(bytes) }
    value = Fiber.new { Petrichor.parse(bytes, depth: 2000) }.resume
    assert_equal bytes, Fiber.new { Petrichor.dump(value, depth: 2000) }.resume
    assert_refused(:short) { Petrichor.parse("999999999:" * 1_000_000) }
  end

  def nest(levels)
    levels.times.reduce("".b) { |inner, _| "#{inner.bytesize}:#{inner}]" }
  end

  def test_a_million_levels
    assert_refused(:limit) { Petrichor.parse(deep(1_000_000)) }
    assert_equal 100_000, levels(Petrichor.parse(deep(100_000), depth: 100_000), &:first)
  end

  def levels(value)
    levels = 1
    levels += 1 while (value = yield value)
    levels
  end

  # Writing takes as long as there are levels, not as their square.
  def test_a_hundred_thousand_levels_are_written_in_a_moment
    lists = 99_999.times.reduce([]) { |inner, _| [inner] }
    dicts = 99_999.times.reduce({}) { |inner, _| { a: inner } }
    began = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)
    wires = [lists, dicts].map { |value| Petrichor.dump(value, depth: 1_000_000) }
    assert_operator Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - began, :<, 2
    assert wires.first == deep(100_000), "other bytes"
    assert_equal 100_000, levels(Petrichor.parse(wires.last, depth: 100_000)) { |dict| dict["a"] }
    assert_refused(:value) { Petrichor.dump(lists, depth: 99_999) }
    assert_equal "3:0:]]", Petrichor.dump([[]], depth: 2)
  end

  # Lists in one another; the innermost is empty.
  def deep(levels)
    sizes = [0]
    sizes << (sizes.last + sizes.last.to_s.size + 2) until sizes.size == levels
    "#{sizes.reverse.map { |size| "#{size}:" }.join}#{"]" * levels}"
  end

  def test_what_a_reader_refuses_is_not_written
    ring = []
    ring << ring
    values = [ring, Float::NAN, Float::INFINITY, Object.new, 1r, 1..2, { 1 => 2 }, { nil => 1 },
              { a: 1, "a" => 2 }, { "é" => 1, "é".b => 2 }, 10**400, 10**10_000]
    values.each { |value| assert_nil assert_refused(:value) { Petrichor.dump(value) }.offset }
    assert_refused(:value) { Petrichor::Frame.new([], nil).dump }
    assert_refused(:value) { Petrichor.parse(nil) }
    assert_refused(:value) { Petrichor::Reader.new.feed(5) }
  end

  # Dump takes containers apart, and values that are in it twice stay whole.
  def test_what_is_written_is_left_as_it_was
    twice = [1, { b: [2] }]
    value = { "é" => twice, a: twice, z: ["", nil] }
    wire = "68:2:é,19:1:1#11:1:b,4:1:2#]}]1:a,19:1:1#11:1:b,4:1:2#]}]1:z,6:0:,0:~]}".b
    2.times { assert_equal wire, Petrichor.dump(value) }
    assert_equal({ "é" => [1, { b: [2] }], a: [1, { b: [2] }], z: ["", nil] }, value)
  end

  # A BasicObject does not know what class it is of.
  def test_objects_that_know_nothing
    nobody = BasicObject.new
    dict = {}.compare_by_identity
    dict[nobody] = 1
    [-> { Petrichor.dump(nobody) }, -> { Petrichor.dump([nobody]) }, -> { Petrichor.dump(dict) },
     -> { Petrichor::Frame.new(nobody, nil).dump }, -> { Petrichor.parse(nobody) },
     -> { Petrichor::Connection.new(nobody).allow(nobody) }].each do |wrong|
      assert_match(/BasicObject/, assert_refused(:value, &wrong).message)
    end
  end

  def test_floats_with_more_digits_than_ruby_reads
    halfway = "9007199254740993.#{"0" * 300}"
    assert_equal 9007199254740992.0, Petrichor.parse("#{halfway.size}:#{halfway}^")
    above = "#{halfway}1"
    assert_equal 9007199254740994.0, Petrichor.parse("#{above.size}:#{above}^")
    largest = (2**1024 - 2**970).to_s # halfway to what would be the next
    assert_refused(:range, 4) { Petrichor.parse("#{largest.size}:#{largest}^") }
    assert_equal 0.0, Petrichor.parse("68:1.#{"1" * 50}e-99999999999999^")
  end

  def test_long_floats_with_leniency
    { "#{"1" * 70}." => 1.1111111111111112e69, "#{"1" * 70}.e-69" => 1.1111111111111112, ".#{"5" * 70}" => 5 / 9.0,
      "+#{"0" * 90}.5" => 0.5, "-.#{"0" * 90}5e91" => -5.0 }.each do |text, float|
      assert_equal float, Petrichor.parse("#{text.size}:#{text}^", loose: true), text
    end
  end

  def test_floats_are_written_in_full
    { 0.1 => "0.1", 1e-7 => "0.0000001", -1e16 => "-10000000000000000.0", 123_456_789_012_345_680_000.0 => "123456789012345680000.0",
      1e21 => "1.0e+21", -0.0 => "-0.0", 1.5e300 => "1.5e+300", 1.25e-5 => "0.0000125" }.each do |float, text|
      assert_equal "#{text.size}:#{text}^", Petrichor.dump(float)
    end
  end

  def test_integers_have_no_end_but_400_bytes
    [0, -1, 2**64, -(10**398)].each { |n| assert_equal n, Petrichor.parse(Petrichor.dump(n)) }
  end

  # Bytes that mean something, at random: whatever they are, there is a value or an Error.
  def test_garbage
    random = Random.new(seed = Integer(ENV.fetch("SEED", "6"), 10))
    tried = 0
    wires = Vectors.all.map { |vector| vector["wire"] }
    stop = Time.now + Float(ENV.fetch("FUZZ_SECONDS", "1"))
    while Time.now < stop
      tried += 1
      feed(garbage(random, wires), random, [seed, tried])
    end
    puts "garbage: #{tried} inputs from SEED=#{seed}"
    assert_operator tried, :>, 100
  end

  private

  PIECES = (%w[0 1 2 3 9 : : , # ^ ! ~ \] } ; true 1.5 - 0:~ 0:} 0:\] 1:a, 999999999:] + ["\0", "\xFF", "\xC3\xA9"]).map(&:b).freeze

  def garbage(random, wires)
    return Array.new(random.rand(30)) { PIECES.sample(random: random) }.join if random.rand(3).zero?

    wire = wires.sample(random: random).dup
    random.rand(1..4).times { wire[random.rand(wire.size + 1), random.rand(3)] = PIECES.sample(random: random) }
    wire
  end

  def feed(bytes, random, which)
    lenient = { text: true, loose: true, nonfinite: true, duplicates: true }.select { random.rand(4).zero? }
    [-> { assert_equal_bytes(bytes, Petrichor.parse(bytes, **lenient), lenient) },
     -> { Petrichor.parse_first(bytes, **lenient) },
     -> { drain(Petrichor::Reader.new(**lenient).feed(bytes)) }].each do |entrance|
      entrance.call
    rescue Petrichor::Error => e
      assert(e.offset.between?(0, bytes.bytesize), which)
    end
  end

  # What is accepted without leniency has one spelling, but for numbers that may be longer.
  def assert_equal_bytes(bytes, value, lenient)
    written = Petrichor.dump(value, **lenient.slice(:text, :nonfinite))
    assert_equal bytes, written if lenient.empty? && !bytes.include?("^")
    again = Petrichor.parse(written, **lenient)
    assert_equal written, Petrichor.dump(again, **lenient.slice(:text, :nonfinite))
  end

  def drain(reader)
    nil while reader.next
  end
end
