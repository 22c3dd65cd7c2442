# frozen_string_literal: true

module Petrichor
  # Whether an element and all that is in it are well formed, and not too much.
  class Check
    include Walk

    BOOLS = %w[true false].freeze

    # A dict being walked: the keys it has had, and whether a key comes next.
    Entries = Struct.new(:keys, :key_next)

    def self.call(data, element, rules)
      new(data, rules).send(:walk, element)
    end

    def initialize(data, rules)
      @data = data
      @rules = rules
      @count = 0
      @around = [] # Entries of a dict, nil for a list
    end

    private

    def enter(element, depth)
      entries = @around.last
      is_key = entries&.key_next
      entries.key_next = !is_key if entries
      raise Error.new(:syntax, element.stop, "a key that is no string") if is_key && !element.string?

      count(element)
      element.container? ? open(element, depth) : scalar(element)
      key(element, entries.keys) if is_key
    end

    def leave(element)
      entries = @around.pop
      return if entries.nil? || entries.key_next

      raise Error.new(:syntax, element.stop, "a key without a value")
    end

    def count(element)
      @count += 1
      raise Error.new(:limit, element.start, "more than #{@rules.values} values") if @count > @rules.values
    end

    def open(element, depth)
      raise Error.new(:limit, element.start, "deeper than #{@rules.depth}") if depth >= @rules.depth

      @around.push(element.kind == :dict ? Entries.new({}, true) : nil)
    end

    # Hash hashes with a secret seed: nobody can choose keys that collide.
    def key(element, keys)
      bytes = @data.byteslice(element.start...element.stop)
      raise Error.new(:syntax, element.start, "a key that is there twice") if keys.key?(bytes) && !@rules.duplicates

      keys[bytes] = true
    end

    def scalar(element)
      return if element.kind == :string

      wrong = wrong(element)
      raise Error.new(:syntax, element.start + wrong, "no #{element.kind}") if wrong
    end

    # How far into its payload an element is not what its tag says, or nil.
    def wrong(element)
      return number(element) if element.kind == :int || element.kind == :float
      return (0 if element.stop > element.start) if element.kind == :null

      payload = @data.byteslice(element.start...element.stop)
      return (0 unless BOOLS.include?(payload)) if element.kind == :bool

      0 unless payload.force_encoding(Encoding::UTF_8).valid_encoding?
    end

    def number(element)
      if element.stop - element.start > Number::LONGEST
        raise Error.new(:limit, element.start, "a number of more than #{Number::LONGEST} bytes")
      end

      Number.wrong(element.kind, @data.byteslice(element.start...element.stop), @rules)
    end
  end
end
