# frozen_string_literal: true

require_relative "helper"

class FrameTest < Minitest::Test
  Frame = Petrichor::Frame

  def read(bytes, **rules)
    Petrichor::Reader.new(**rules).feed(bytes).next
  end

  def test_keys_are_compared_by_bytes
    [read("9:2:é,1:7#}0:~"), read("9:2:é;1:7#}0:~", text: true),
     Frame.new({ "é" => 7 }), Frame.new({ é: 7 })].each do |frame|
      assert_equal [7, 7, 7], [frame["é"], frame["é".b], frame[:é]]
      assert_nil frame["e"]
    end
    latin = Frame.new({ "é".encode("ISO-8859-1") => 7 })
    assert_equal [7, nil], [latin["\xE9"], latin["é"]]
  end

  def test_what_is_there_and_nothing
    assert_nil Frame.new({ a: nil, "b" => 1 })[:a]
    assert_equal false, Frame.new({ a: false })["a"]
    assert_equal 1, Frame.new({ a: nil, "b" => 1 })[:b]
    assert_nil Frame.new(Hash.new { 1 })["a"]
  end

  # One that denies must never be taken for one that allows, whoever has made it.
  def test_allowed
    ["allowed", "allowed".b, :allowed].each do |key|
      assert Frame.new({ key => true }).allowed?
      [false, nil, 1, "true", [], {}].each { |value| refute Frame.new({ key => value }).allowed?, value.inspect }
    end
    assert Frame.new({}).allowed?
    assert Frame.new({ Allowed: false }).allowed?
    refute read("18:7:allowed;5:false!}0:~", text: true).allowed?
  end
end
