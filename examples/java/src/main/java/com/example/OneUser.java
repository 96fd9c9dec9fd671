package com.example;

import io.github.cdkiamvirtualmfa.VirtualMfaDevice;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.User;

public final class OneUser {
  public static void main(String[] args) {
    App app = new App();
    Stack stack = new Stack(app, "BreakGlass");
    User bob = User.Builder.create(stack, "Bob").userName("Bob").build();
    VirtualMfaDevice.Builder.create(stack, "BobMfa").user(bob).build();
    app.synth();
  }
}
