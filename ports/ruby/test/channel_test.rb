# frozen_string_literal: true

require_relative "helper"
require "stringio"

class ChannelTest < Minitest::Test
  # An IO that cannot be closed without an error.
  Stubborn = Struct.new(:closed) do
    def close
      self.closed = true
      raise Errno::EIO
    end
  end

  def test_both_are_closed_though_one_raises
    input = Stubborn.new
    output = StringIO.new
    [[input, output], [output, input], [input, Stubborn.new], [input, input]].each do |ios|
      error = assert_raises(Petrichor::Error) { Petrichor::Channel.new(*ios).close }
      assert_equal :stream, error.layer
    end
    assert output.closed?
    other = StringIO.new
    assert_raises(Petrichor::Error) { Petrichor::Channel.new(input, other).close }
    assert other.closed?
  end
end
