package com.example;

import io.github.cdkiamvirtualmfa.MfaCoverage;
import io.github.cdkiamvirtualmfa.MfaEnforcementPolicy;
import io.github.cdkiamvirtualmfa.VirtualMfa;
import io.github.cdkiamvirtualmfa.VirtualMfaDevice;
import io.github.cdkiamvirtualmfa.VirtualMfaDeviceRotation;
import io.github.cdkiamvirtualmfa.VirtualMfaWatch;
import java.util.List;
import software.amazon.awscdk.App;
import software.amazon.awscdk.Aspects;
import software.amazon.awscdk.Duration;
import software.amazon.awscdk.Mixins;
import software.amazon.awscdk.Shims;
import software.amazon.awscdk.Stack;
import software.amazon.awscdk.services.iam.Group;
import software.amazon.awscdk.services.iam.Role;
import software.amazon.awscdk.services.iam.ServicePrincipal;
import software.amazon.awscdk.services.iam.User;

/** A team in which everybody needs MFA. */
public final class TeamApp {
  public static void main(String[] args) {
    App app = new App();
    Stack stack = new Stack(app, "Team");

    Group staff = new Group(stack, "Staff");
    MfaEnforcementPolicy.Builder.create(stack, "MfaEnforcement").groups(List.of(staff)).selfEnrollment(false).build();

    // A robot's device, with a new seed each month. A role may ask for its codes, but cannot read its seed.
    User robot = User.Builder.create(stack, "Robot").groups(List.of(staff)).build();
    VirtualMfaDevice mfa = VirtualMfaDevice.Builder.create(stack, "RobotMfa")
        .user(robot)
        .issuer("Example Corp")
        .rotation(VirtualMfaDeviceRotation.builder().automaticallyAfter(Duration.days(30)).build())
        .build();
    Role runner = Role.Builder.create(stack, "Runner").assumedBy(new ServicePrincipal("codebuild.amazonaws.com")).build();
    mfa.grantCode(runner);

    // The mixin gives a device to one user, to all users declared so far, or to those declared later, too.
    User alice = User.Builder.create(stack, "Alice").groups(List.of(staff)).build();
    alice.with(VirtualMfa.Builder.create().issuer("Example Corp").build());
    User.Builder.create(stack, "Carol").groups(List.of(staff)).build();
    Mixins.of(app).apply(new VirtualMfa());
    Aspects.of(stack).add(Shims.asAspect(new VirtualMfa()));
    User.Builder.create(stack, "Dave").groups(List.of(staff)).build();

    // Looks at all these devices every 15 minutes, and enables again what somebody has deactivated.
    VirtualMfaWatch.Builder.create(stack, "Watch").repair(true).build();

    MfaCoverage.of(app).require();
    app.synth();
  }
}
