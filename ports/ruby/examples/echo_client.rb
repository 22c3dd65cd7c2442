# frozen_string_literal: true

# Connects, sends each TEXT as the body of a frame, and prints the bodies that
# come back. A TEXT - is what is on stdin. With --deny it asks to be denied.
#
#   echo_client.rb [--deny] HOST PORT TEXT...

require "petrichor"

hello = { from: "echo in Ruby" }
hello[:deny] = true if ARGV.first == "--deny" && ARGV.shift
host, port, *texts = ARGV
abort "usage: echo_client.rb [--deny] HOST PORT TEXT..." unless port

begin
  connection = Petrichor::Connection.connect(host, port, hello)
  abort "echo_client: the peer has not allowed us" unless connection.allowed?
  $stdout.binmode
  texts.each do |text|
    body = text == "-" ? $stdin.binmode.read : text
    $stdout.write(connection.request({}, body).body, "\n")
  end
rescue Petrichor::Error => e
  abort "echo_client: #{e.message}"
end
