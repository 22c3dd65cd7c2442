# frozen_string_literal: true

# Petrichor: frames of a header and a body, over any stream of bytes.
#
#   Petrichor.dump({ user: "zed", n: 1 })            # => "21:4:user,3:zed,1:n,1:1#}"
#   Petrichor.parse("21:4:user,3:zed,1:n,1:1#}")     # => {"user"=>"zed", "n"=>1}
#
# Whatever bytes come, what is raised is a Petrichor::Error. All strings that are
# read are binary; none becomes a symbol.
module Petrichor
  # The element of a value, as a binary string.
  def self.dump(value, **rules)
    Dump.call(value, BUFFER.with(**rules))
  end

  # The value of the one element that bytes are.
  def self.parse(bytes, **rules)
    first(bytes, rules) do |data, element|
      behind = element.stop + 1
      raise Error.new(:syntax, behind, "bytes behind the element") if behind < data.bytesize
    end.first
  end

  # The value of the element that bytes begin with, and the bytes behind it.
  def self.parse_first(bytes, **rules)
    first(bytes, rules) { nil }
  end

  # Cuts the first element, lets a block object to where it ends, and makes a value of it.
  def self.first(bytes, rules)
    data = binary(bytes)
    rules = BUFFER.with(**rules)
    element = Element.cut(data, rules)
    raise Error.new(:short, data.bytesize, "the bytes end inside the element") unless element

    yield data, element
    [Parse.call(data, element, rules), data.byteslice(element.stop + 1..)]
  end
  private_class_method :first

  # bytes without an encoding. The string given is not changed.
  def self.binary(bytes)
    return bytes.b if String === bytes

    raise Error.new(:value, nil, "bytes are a String, not #{class_of(bytes)}")
  end

  # The class of any value. A BasicObject has no method that says it, nor is_a?.
  def self.class_of(value)
    Kernel.instance_method(:class).bind_call(value)
  end
end

require_relative "petrichor/version"
require_relative "petrichor/error"
require_relative "petrichor/rules"
require_relative "petrichor/element"
require_relative "petrichor/number"
require_relative "petrichor/check"
require_relative "petrichor/parse"
require_relative "petrichor/dump"
require_relative "petrichor/frame"
require_relative "petrichor/reader"
require_relative "petrichor/channel"
require_relative "petrichor/connection"
